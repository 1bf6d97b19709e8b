import { Vault } from '../../src/vault/vault.ts'
import { openTestStore } from './test-store.ts'

/** A vault that has sealed nothing, for parts that only open what a record has. */
export async function emptyVault(): Promise<Vault> {
  await using store = await openTestStore()
  return await Vault.openInMemory(store)
}
