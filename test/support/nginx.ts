import { writeFile } from 'node:fs/promises'
import { freePort } from './free-port.ts'
import type { Balancer } from './haproxy.ts'
import { startDaemon } from './services/daemon.ts'
import { findProgram } from './services/programs.ts'
import { tempDir } from './temp-dir.ts'

/** Why there is no nginx here; false where there is. */
export const skipNginx = findProgram('nginx') ? false : 'no nginx (apt: nginx-light)'

/** nginx that gives each gRPC call to the next server, with its own time-outs as they come. */
export async function startNginx(ports: readonly number[]): Promise<Balancer> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-nginx-'))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${dir.join(name)};`,
  )
  const config = [
    'daemon off;',
    'worker_processes 1;',
    `pid ${dir.join('pid')};`,
    'error_log stderr warn;',
    'events { worker_connections 1024; }',
    'http {',
    '  access_log off;',
    ...temporary,
    '  upstream runners {',
    ...ports.map((one) => `    server 127.0.0.1:${one} max_fails=1 fail_timeout=1s;`),
    '  }',
    '  server {',
    `    listen 127.0.0.1:${port} http2;`,
    // A stream of requests has no length that could be known before.
    '    client_max_body_size 0;',
    '    location / { grpc_pass grpc://runners; }',
    '  }',
    '}',
    '',
  ]
  await writeFile(dir.join('nginx.conf'), config.join('\n'))
  const command = findProgram('nginx') ?? 'nginx'
  const args = ['-e', 'stderr', '-p', dir.path, '-c', dir.join('nginx.conf')]
  // A worker that runs as another user could not look into the folder.
  if (process.getuid?.() === 0) args.push('-g', 'user root;')
  const daemon = { command, args, cwd: dir.path, log: dir.join('log') }
  stack.use(await startDaemon(daemon, new AbortController().signal))
  const owned = stack.move()
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
