import { RoutesInvalid } from '../../routes/problem.ts';
import { WatchedFolders } from '../../routes/watched-folders.ts';
import {
  type Certificate,
  CertificateUnusable,
  checkCertificate,
  readCertificateFiles,
} from './certificate.ts';
import type { CertificateFiles, TlsSettings } from './compile-tls.ts';

/** Hears of certificates what an operator should know. */
export interface CertificateEvents {
  /** A pair is in force, for connections that begin from now on. */
  inForce(certificate: Certificate): void;
  /** What stands in the files cannot be used, and the last good pair stays. Once for each content. */
  unusable(name: string, problem: CertificateUnusable): void;
}

export interface WatchTimes {
  /** Milliseconds without an event after which the files are read. */
  readonly debounce: number;
  /** Milliseconds that files must stand as they are before they are called bad: they are written one by one. */
  readonly settle: number;
  /** Milliseconds between looks at the files where no events come. */
  readonly poll: number;
}

const watchTimes: WatchTimes = { debounce: 50, settle: 500, poll: 10_000 };

/** A pair of files, and the last good certificate that stood in them. */
interface Entry {
  readonly files: CertificateFiles;
  certificate: Certificate;
  /** What was last seen in the files: a digest, or why they could not be read. */
  seen: string;
  /** Something that is not usable, seen once: if it is still there after a while, it is meant. */
  suspect: string | undefined;
  /** The files as they stand are in force. */
  valid: boolean;
}

/** The certificates in force, which follow the files that they are in and the list of those in routes.yaml. */
export class Certificates {
  readonly #events: CertificateEvents;
  readonly #times: WatchTimes;
  readonly #minVersion: TlsSettings['minVersion'];
  readonly #folders = new WatchedFolders(() => this.#changed());
  readonly #poll: NodeJS.Timeout;
  #entries: readonly Entry[];
  #byName: ReadonlyMap<string, Certificate> = new Map();
  #onDefault: (certificate: Certificate) => void = () => {};
  #debounce: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(
    entries: readonly Entry[],
    { minVersion }: TlsSettings,
    events: CertificateEvents,
    times: WatchTimes,
  ) {
    this.#entries = entries;
    this.#minVersion = minVersion;
    this.#events = events;
    this.#times = times;
    this.#index();
    this.#poll = setInterval(() => this.#read(), times.poll);
    this.#poll.unref();
    // An edit between the reading and the watching has nobody else to see it.
    this.#changed();
  }

  /**
   * Reads the certificates that routes.yaml names.
   * @param file routes.yaml, for messages.
   * @throws RoutesInvalid with everything that is wrong with them.
   */
  static async load(
    settings: TlsSettings,
    file: string,
    events: CertificateEvents,
    times = watchTimes,
  ): Promise<Certificates> {
    const { entries, problems } = await readAll(settings.certificates, [], settings.minVersion);
    if (problems.length > 0) {
      throw new RoutesInvalid(
        file,
        problems.map(({ files: { at }, problem: { code, message, hint } }) => ({ code, at, message, hint })),
      );
    }
    for (const { certificate } of entries) events.inForce(certificate);
    return new Certificates(entries, settings, events, times);
  }

  /** The one for a server name; undefined: the default. A `*` stands for one label (RFC 9525, 6.3). */
  of(serverName: string): Certificate | undefined {
    const name = serverName.toLowerCase();
    const dot = name.indexOf('.');
    return this.#byName.get(name) ?? (dot > 0 ? this.#byName.get(`*${name.slice(dot)}`) : undefined);
  }

  /** The one for clients that ask for no name, or an unknown one. */
  get default(): Certificate {
    return (this.#entries[0] as Entry).certificate;
  }

  /** All in force, and whether each is what stands in its files. */
  all(): readonly { readonly certificate: Certificate; readonly valid: boolean }[] {
    return this.#entries;
  }

  /** Called with the default whenever that is another one. */
  onDefault(tell: (certificate: Certificate) => void): void {
    this.#onDefault = tell;
  }

  /** Takes over a new list. Where one of its certificates is not usable, the list in force stays. */
  follow({ certificates }: TlsSettings): void {
    this.#inTurn(async () => {
      const { entries, problems } = await readAll(certificates, this.#entries, this.#minVersion);
      for (const { files, problem } of problems) this.#events.unusable(files.certificate, problem);
      if (problems.length > 0 || this.#closed) return;
      const known = new Set(this.#entries);
      this.#entries = entries;
      this.#index();
      for (const entry of entries) if (!known.has(entry)) this.#events.inForce(entry.certificate);
      this.#changed();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#debounce);
    this.#folders.close();
    await this.#reading;
  }

  #changed(after = this.#times.debounce): void {
    if (this.#closed) return;
    clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => this.#read(), after);
    this.#debounce.unref();
  }

  #read(): void {
    this.#inTurn(async () => {
      for (const entry of this.#entries) await this.#look(entry);
      await this.#folders.follow(this.#entries.flatMap(({ files }) => [files.certificate, files.key]));
    });
  }

  /** One reading at a time. */
  #inTurn(read: () => Promise<void>): void {
    this.#reading = this.#reading.then(() => (this.#closed ? undefined : read()));
  }

  async #look(entry: Entry): Promise<void> {
    const found = await readPair(entry.files, this.#minVersion, entry.seen);
    if (found === 'same' || this.#closed) return;
    if ('problem' in found) {
      if (entry.suspect !== found.seen) {
        entry.suspect = found.seen;
        this.#changed(this.#times.settle);
        return;
      }
      entry.seen = found.seen;
      entry.valid = false;
      this.#events.unusable(entry.certificate.name, found.problem);
      return;
    }
    entry.seen = found.certificate.digest;
    entry.suspect = undefined;
    entry.valid = true;
    // What is in force may come back after something bad.
    if (found.certificate.digest !== entry.certificate.digest) {
      entry.certificate = found.certificate;
      this.#index();
    }
    this.#events.inForce(entry.certificate);
  }

  #index(): void {
    const byName = new Map<string, Certificate>();
    for (const { certificate } of this.#entries) {
      for (const name of certificate.names) if (!byName.has(name)) byName.set(name, certificate);
    }
    this.#byName = byName;
    this.#onDefault(this.default);
  }
}

type Found = { readonly certificate: Certificate } | { readonly problem: CertificateUnusable; seen: string };

/** @param seen what was last seen there. */
async function readPair(
  files: CertificateFiles,
  minVersion: TlsSettings['minVersion'],
  seen?: string,
): Promise<Found | 'same'> {
  let digest: string | undefined;
  try {
    const bytes = await readCertificateFiles(files);
    digest = bytes.digest;
    if (digest === seen) return 'same';
    return { certificate: checkCertificate(files, bytes, minVersion) };
  } catch (error) {
    if (!(error instanceof CertificateUnusable)) throw error;
    const now = digest ?? error.message;
    return now === seen ? 'same' : { problem: error, seen: now };
  }
}

/** @param before entries that are taken over where their files are named again. */
async function readAll(
  all: readonly CertificateFiles[],
  before: readonly Entry[],
  minVersion: TlsSettings['minVersion'],
): Promise<{
  entries: Entry[];
  problems: { files: CertificateFiles; problem: CertificateUnusable }[];
}> {
  const entries: Entry[] = [];
  const problems: { files: CertificateFiles; problem: CertificateUnusable }[] = [];
  for (const files of all) {
    const same = before.find((entry) => isSame(entry.files, files));
    if (same !== undefined) {
      entries.push(same);
      continue;
    }
    const found = await readPair(files, minVersion);
    if (found === 'same') continue;
    if ('problem' in found) problems.push({ files, problem: found.problem });
    else {
      const { certificate } = found;
      entries.push({ files, certificate, seen: certificate.digest, suspect: undefined, valid: true });
    }
  }
  return { entries, problems };
}

function isSame(a: CertificateFiles, b: CertificateFiles): boolean {
  return a.certificate === b.certificate && a.key === b.key && String(a.names) === String(b.names);
}
