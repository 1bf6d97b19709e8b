import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { findProgram } from './programs.ts'

const run = promisify(execFile)

/** A network bridge with this name (at most 15 characters) and address, removed on disposal. */
export async function addBridge(
  name: string,
  address: string,
): Promise<AsyncDisposable | undefined> {
  const ip = findProgram('ip')
  if (!ip) return undefined
  try {
    await run(ip, ['link', 'add', name, 'type', 'bridge'])
  } catch {
    // No permission, or no such kernel module: a Docker Engine works without.
    return undefined
  }
  await run(ip, ['address', 'add', address, 'dev', name])
  await run(ip, ['link', 'set', name, 'up'])
  return { [Symbol.asyncDispose]: async () => void (await run(ip, ['link', 'delete', name])) }
}

/** A killed Docker Engine leaves its containers' file systems and networks mounted. */
export async function unmountBelow(dir: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const below = mounts.split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const mount of below.filter((path) => path.startsWith(`${dir}/`)).reverse()) {
    await run('umount', ['--lazy', mount])
  }
}
