// Where the bytes of a download go, a piece at a time: into a file that the user chose, or into a Blob that the browser
// saves among its downloads.
import { plainFileName, saveFile } from '../ui/save-file.ts';

export interface DownloadTarget {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The file is there from then on. */
  close(): Promise<void>;
  /** Nothing of what was written stays. */
  abort(): Promise<void>;
}

/** Of the File System Access API, which some browsers have. */
interface SavePicker {
  showSaveFilePicker?(options: { readonly suggestedName: string }): Promise<{
    createWritable(): Promise<{
      write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
      close(): Promise<void>;
      abort(): Promise<void>;
    }>;
  }>;
}

/** From this size on the user is asked for a file to write into, so that the bytes never stand in memory. */
export const largeBytes = 64 * 1024 * 1024;

/**
 * In the click of a button: browsers open the choice of a file only there. @throws AbortError where the user thought
 * better
 */
export async function chooseTarget(name: string, isLarge: boolean): Promise<DownloadTarget> {
  const { showSaveFilePicker } = window as SavePicker;
  if (!isLarge || showSaveFilePicker === undefined) return new BlobTarget(name);
  const file = await showSaveFilePicker.call(window, { suggestedName: plainFileName(name) });
  return file.createWritable();
}

/** Small pieces are put together: a browser may move a large Blob to its disk. */
const pieceBytes = 8 * 1024 * 1024;

class BlobTarget implements DownloadTarget {
  readonly #name: string;
  #whole = new Blob();
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #waiting = 0;

  constructor(name: string) {
    this.#name = name;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#pieces.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting >= pieceBytes) this.#join();
  }

  async close(): Promise<void> {
    this.#join();
    saveFile(this.#name, this.#whole);
  }

  async abort(): Promise<void> {
    this.#whole = new Blob();
    this.#pieces = [];
  }

  #join(): void {
    this.#whole = new Blob([this.#whole, ...this.#pieces]);
    this.#pieces = [];
    this.#waiting = 0;
  }
}
