import { writeFile } from 'node:fs/promises'
import { freePort } from './free-port.ts'
import { startDaemon } from './services/daemon.ts'
import { findProgram } from './services/programs.ts'
import { tempDir } from './temp-dir.ts'

/** A real load balancer before servers on loopback. */
export interface Balancer extends AsyncDisposable {
  readonly url: string
}

/** Why there is no HAProxy here; false where there is. */
export const skipHaproxy = findProgram('haproxy') ? false : 'no haproxy (apt: haproxy)'

/** HAProxy that gives each TCP connection to the next server, whatever is said on it. */
export async function startHaproxy(ports: readonly number[]): Promise<Balancer> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-haproxy-'))
  const port = await freePort()
  const servers = ports.map((one, i) => `  server s${i} 127.0.0.1:${one} check inter 500ms`)
  const config = [
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    // A server that does not listen any more: the next one, and not the same again.
    '  option redispatch 1',
    'frontend runners',
    `  bind 127.0.0.1:${port}`,
    '  default_backend runners',
    'backend runners',
    '  balance roundrobin',
    ...servers,
    '',
  ]
  await writeFile(dir.join('haproxy.cfg'), config.join('\n'))
  const command = findProgram('haproxy') ?? 'haproxy'
  const args = ['-db', '-f', dir.join('haproxy.cfg')]
  const daemon = { command, args, cwd: dir.path, log: dir.join('log') }
  stack.use(await startDaemon(daemon, new AbortController().signal))
  const owned = stack.move()
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
