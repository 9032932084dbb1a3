// Text onto the clipboard, also where the page is not served from localhost or by TLS and the browser's own API is
// shut.
export async function copyText(text: string | Promise<string>): Promise<void> {
  const whole = await text;
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(whole);
    return;
  }
  const write = (event: ClipboardEvent) => {
    event.clipboardData?.setData('text/plain', whole);
    event.preventDefault();
  };
  document.addEventListener('copy', write, { once: true });
  if (!document.execCommand('copy')) {
    document.removeEventListener('copy', write);
    throw new Error('this browser does not let the page copy: select the text and copy it by hand');
  }
}
