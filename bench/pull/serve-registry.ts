import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { findProgram } from '../../test/support/services/programs.ts'

/** A real registry on loopback, with its files in this folder; ended on disposal. */
export async function serveRegistry(
  folder: string,
): Promise<AsyncDisposable & { readonly host: string }> {
  const program = findProgram('docker-registry')
  if (!program) throw new Error('docker-registry is not installed (apt: docker-registry)')
  const host = `127.0.0.1:${await freePort()}`
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'registry') } },
    http: { addr: host },
  }
  const file = join(folder, 'registry.json')
  await writeFile(file, JSON.stringify(config))
  const child = spawn(program, ['serve', file], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  for (let tries = 0; !(await answers(host)); tries++) {
    if (tries > 100 || child.exitCode !== null) throw new Error('docker-registry does not start')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    host,
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await exited
    },
  }
}

async function answers(host: string): Promise<boolean> {
  return await fetch(`http://${host}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
