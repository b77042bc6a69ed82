import type { JSONWebKeySet } from 'jose';
import type { IdentitySigning } from '../routes/model.ts';
import type { Caller } from './caller.ts';
import { type IdentityKey, identitySigner, type SignIdentity } from './identity-token.ts';
import { KeyRing } from './key-ring.ts';

/** Signs identities as a table asks for it, and publishes what services verify them with. */
export class IdentitySigners {
  readonly #onFailure: (error: Error) => void;
  #ring: KeyRing | undefined;
  #secret: (IdentityKey & { readonly text: string }) | undefined;
  #signer: { readonly key: unknown; readonly sign: SignIdentity } | undefined;

  /** @param onFailure told of a file of keys that cannot be used any more; the last good keys stay. */
  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  /**
   * Gets what a table needs before its first request comes.
   * @throws Failure `identity_keys_unusable`; the keys so far stay.
   */
  prepare(signing: IdentitySigning | undefined): void {
    if (signing?.by !== 'keys' || this.#ring?.file === signing.file) return;
    const ring = new KeyRing(signing.file, this.#onFailure);
    this.#ring?.close();
    this.#ring = ring;
  }

  /** @throws Failure `identity_keys_unusable` where there are no keys, not even old ones. */
  sign(signing: IdentitySigning, caller: Caller, audience: string): Promise<string> {
    const key = signing.by === 'secret' ? this.#secretOf(signing.secret) : this.#keyIn(signing);
    if (this.#signer?.key !== key.key) this.#signer = { key: key.key, sign: identitySigner(key) };
    return this.#signer.sign(caller, audience);
  }

  /** The keys that services are to accept now; none where identities are signed with a secret. */
  published(signing: IdentitySigning | undefined): JSONWebKeySet {
    if (signing?.by !== 'keys' || this.#ring === undefined) return { keys: [] };
    return this.#ring.published();
  }

  close(): void {
    this.#ring?.close();
  }

  #secretOf(text: string): IdentityKey {
    if (this.#secret?.text !== text)
      this.#secret = { text, alg: 'HS256', key: new TextEncoder().encode(text) };
    return this.#secret;
  }

  #keyIn(signing: IdentitySigning): IdentityKey {
    if (this.#ring === undefined) this.prepare(signing);
    const { kid, key } = (this.#ring as KeyRing).signing();
    return { alg: 'EdDSA', kid, key };
  }
}
