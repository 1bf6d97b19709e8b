import { NarwhalError } from '../lib/errors.ts'
import type { Uses, Writes } from '../store/store.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { Keyring, type SealedPlace } from './keyring.ts'

/**
 * Encrypts ("seals") what the store must not hold in plaintext, and decrypts it. The store names the key in
 * use, so that all processes agree on it, also during a rotation.
 */
export class Vault {
  readonly #keyring: Keyring

  private constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  /**
   * Opens the key file, which is created if it is missing and nothing was sealed yet. Rejects with `invalid`
   * if it can't be used, or is not the one that sealed the store's values.
   */
  static async open(store: Uses<'sealing' | 'transact'>, path: string): Promise<Vault> {
    const used = await store.sealing.findKey()
    const keys = readKeyFile(path) ?? (used === undefined ? createKeyFile(path) : undefined)
    if (!keys) {
      const words = `there is no ${path}, but the database's secrets are sealed by key ${used}: restore the key file, or copy it from a process that has it, and name it with --sealing-keys; if it is lost, see \`narwhal secret rotate --lost\``
      throw new NarwhalError('invalid', words)
    }
    return await Vault.#of(store, new Keyring(keys, path))
  }

  /** With a key of this process only: what it seals is lost when the process ends. */
  static async openInMemory(store: Uses<'transact'>): Promise<Vault> {
    return await Vault.#of(store, new Keyring())
  }

  static async #of(store: Uses<'transact'>, keyring: Keyring): Promise<Vault> {
    const { result: used } = await store.transact((write) =>
      write.sealing.claimKey(keyring.newestId),
    )
    if (keyring.has(used)) return new Vault(keyring)
    const words = `the database's secrets are sealed by key ${used}, which is not in ${keyring.origin}: copy the key file of a process that was started earlier, and name it with --sealing-keys`
    throw new NarwhalError('invalid', words)
  }

  /**
   * Seals a value to be written in the same transaction, which holds the key in use until it ends. Rejects
   * with `unavailable` if this process doesn't have that key.
   */
  async seal(write: Writes<'sealing'>, value: string, place: SealedPlace): Promise<string> {
    const keyId = await write.sealing.claimKey(this.#keyring.newestId)
    return this.#keyring.seal(value, place, keyId)
  }

  /** Throws as `Keyring.open` does. */
  open(sealed: string, place: SealedPlace): string {
    return this.#keyring.open(sealed, place)
  }
}
