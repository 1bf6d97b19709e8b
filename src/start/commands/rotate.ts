import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadConfig } from '../../config/config.ts'
import { localDoer } from '../../core/audit/audit.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { openLog } from '../../lib/log.ts'
import { openStore } from '../../store/open-store.ts'
import { addKey, rotateKeys } from '../../vault/rotate-keys.ts'
import { dataFolder, type Launch } from '../context.ts'
import { loginName } from './login-name.ts'

/** `narwhal secret rotate`: seals all secrets of a database, even one in use, under a new key. */
export async function runRotation(launch: Launch): Promise<void> {
  const { io, flags } = launch
  const config = loadConfig(['data', 'database', 'sealing-keys'], flags)
  const folder = dataFolder(launch, config.data)
  const path = resolve(io.cwd, config['sealing-keys'] ?? join(folder, 'sealing-keys'))
  if (flags['prepare'] === true) {
    const keyId = addKey(path)
    io.stdout.write(
      `Key ${keyId} was added to ${path} and is not used yet: copy the file to all agents and dispatchers, then rotate.\n`,
    )
    return
  }
  const local = { kind: 'sqlite', path: join(folder, 'narwhal.db') } as const
  const database = config.database ?? local
  if (database.kind === 'sqlite' && !existsSync(resolve(io.cwd, database.path))) {
    throw new NarwhalError('invalid', `no database at ${database.path}`)
  }
  const log = await openLog({ level: 'warn', pretty: io.stderr.isTTY })
  await using store = await openStore(database, log, io.signal)
  const isLost = flags['lost'] === true
  const { keyId, sealed, forgotten } = await rotateKeys(store, path, {
    by: localDoer(loginName(), isLost ? 'narwhal secret rotate --lost' : 'narwhal secret rotate'),
    isLost,
  })
  const lost =
    forgotten > 0
      ? ` ${forgotten} could not be opened and were deleted: set them again, and register repositories with webhooks again.`
      : ''
  io.stdout.write(`All secrets are now sealed by key ${keyId} (${sealed} resealed).${lost}\n`)
}
