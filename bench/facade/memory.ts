import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** The resident memory of another process, and its peak. */
export class ResidentMemory {
  readonly #pid: number;
  readonly #kernelKnows: boolean;
  #peak = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pid: number) {
    this.#pid = pid;
    this.#kernelKnows = existsSync(`/proc/${pid}/clear_refs`);
  }

  /** Bytes now. */
  now(): number {
    if (this.#kernelKnows) return this.#ofStatus('VmRSS');
    return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(this.#pid)]).stdout) * 1024;
  }

  /** From now on the peak is kept: by the kernel where it does that, else by looking every 50 ms. */
  watch(): void {
    // 5 sets the peak to what it is now (proc(5), clear_refs).
    if (this.#kernelKnows) writeFileSync(`/proc/${this.#pid}/clear_refs`, '5');
    else {
      this.#timer = setInterval(() => {
        this.#peak = Math.max(this.#peak, this.now());
      }, 50);
    }
  }

  /** The most bytes since `watch`. */
  peak(): number {
    clearInterval(this.#timer);
    return this.#kernelKnows ? this.#ofStatus('VmHWM') : this.#peak;
  }

  #ofStatus(name: string): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  }
}
