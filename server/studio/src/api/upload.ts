// Sends a body and tells how much of it is sent, which fetch cannot. Takes and gives what fetch takes and gives.
export function uploadBy(onSent: (bytes: number) => void) {
  return (url: URL, { method = 'POST', headers, body, signal }: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest();
      const stop = () => sending.abort();
      sending.open(method, url);
      new Headers(headers).forEach((value, name) => {
        sending.setRequestHeader(name, value);
      });
      sending.responseType = 'blob';
      sending.upload.onprogress = ({ loaded }) => onSent(loaded);
      sending.onload = () => resolve(responseOf(sending));
      sending.onerror = () => reject(new TypeError('the server does not answer'));
      sending.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
      sending.onloadend = () => signal?.removeEventListener('abort', stop);
      if (signal?.aborted) return reject(new DOMException('cancelled', 'AbortError'));
      signal?.addEventListener('abort', stop);
      sending.send(body as XMLHttpRequestBodyInit | null);
    });
}

function responseOf(sent: XMLHttpRequest): Response {
  const type = sent.getResponseHeader('Content-Type');
  return new Response(sent.response as Blob, {
    status: sent.status,
    ...(type !== null && { headers: { 'Content-Type': type } }),
  });
}
