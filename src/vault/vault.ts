import { NarwhalError } from '../lib/errors.ts'
import type { Store, StoreWriter } from '../store/store.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { Keyring, type SealedPlace } from './keyring.ts'

/**
 * Seals what the store must not have in clear, and opens it again. The store says under which key of
 * the ring is sealed, so that all processes do the same, also while a new key takes over.
 */
export class Vault {
  readonly #keyring: Keyring

  private constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  /**
   * Opens the file of keys, which is made where it is missing and nothing was sealed yet. Rejects
   * with `invalid` when it can't be used, or is not the one that the store's values were sealed by.
   */
  static async open(store: Store, path: string): Promise<Vault> {
    const used = await store.sealing.findKey()
    const keys = readKeyFile(path) ?? (used === undefined ? createKeyFile(path) : undefined)
    if (!keys) {
      const words = `there is no ${path}, and the database holds secrets that were sealed by key ${used}: put back the file of keys, or copy it from a process that has it, and name it by --sealing-keys; if it is lost, see \`narwhal secret rotate --lost\``
      throw new NarwhalError('invalid', words)
    }
    return await Vault.#of(store, new Keyring(keys, path))
  }

  /** With a key that nobody else has: what it seals is lost with this process. */
  static async openInMemory(store: Store): Promise<Vault> {
    return await Vault.#of(store, new Keyring())
  }

  static async #of(store: Store, keyring: Keyring): Promise<Vault> {
    const { result: used } = await store.transact((write) =>
      write.sealing.claimKey(keyring.newestId),
    )
    if (keyring.has(used)) return new Vault(keyring)
    const words = `the database's secrets were sealed by key ${used}, which ${keyring.origin} does not have: another file of keys is needed, from a process that was started before; name it by --sealing-keys`
    throw new NarwhalError('invalid', words)
  }

  /**
   * Seals a value that the same transaction then writes: the key is in use until the transaction
   * has ended. Rejects with `unavailable` when this process does not have that key.
   */
  async seal(write: StoreWriter, value: string, place: SealedPlace): Promise<string> {
    const keyId = await write.sealing.claimKey(this.#keyring.newestId)
    return this.#keyring.seal(value, place, keyId)
  }

  /**
   * Throws `unavailable` when the key is missing, and `internal` when the value is damaged or was
   * sealed for another place.
   */
  open(sealed: string, place: SealedPlace): string {
    return this.#keyring.open(sealed, place)
  }
}
