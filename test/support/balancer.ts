import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { tempDir } from './temp-dir.ts'

export type BalancerKind = 'haproxy' | 'nginx'

const PROGRAMS: Record<BalancerKind, string> = {
  haproxy: '/usr/sbin/haproxy',
  nginx: '/usr/sbin/nginx',
}

/** Why this balancer is not available here; false if it is. */
export function skipBalancer(kind: BalancerKind): string | false {
  return existsSync(PROGRAMS[kind]) ? false : `no ${kind}: apt-get install ${kind}`
}

export interface Balancer extends AsyncDisposable {
  readonly url: string
}

/**
 * A real load balancer on loopback: haproxy balances connections, nginx the calls in them, or with
 * `websocketTimeoutS` HTTP/1.1 and websockets, which it closes when they have been silent for that time.
 */
export async function startBalancer(
  kind: BalancerKind,
  members: readonly string[],
  { websocketTimeoutS }: { readonly websocketTimeoutS?: number } = {},
): Promise<Balancer> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const port = await freePort()
  const hosts = members.map((url) => new URL(url).host)
  const file = dir.join('balancer.conf')
  const text =
    kind === 'haproxy'
      ? haproxyConfig(port, hosts)
      : nginxConfig(
          hosts,
          dir.path,
          websocketTimeoutS === undefined ? grpcServer(port) : webServer(port, websocketTimeoutS),
        )
  await writeFile(file, text)
  const args = kind === 'haproxy' ? ['-db', '-f', file] : ['-c', file, '-p', dir.path]
  let said = ''
  const child = spawn(PROGRAMS[kind], args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      said += part
    })
  }
  stack.defer(() => end(child))
  await eventually(() => accepts(port), { message: `${kind} to listen` }).catch((error) => {
    throw new Error(`${kind} does not listen: ${said}`, { cause: error })
  })
  const resources = stack.move()
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function haproxyConfig(port: number, hosts: readonly string[]): string {
  const servers = hosts.map((host, i) => `  server member-${i} ${host} check inter 200ms`)
  return `
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend runners
  bind 127.0.0.1:${port}
  default_backend farm
backend farm
  balance roundrobin
${servers.join('\n')}
`
}

function grpcServer(port: number): string {
  return `
    listen 127.0.0.1:${port} http2;
    location / {
      grpc_pass grpc://farm;
      grpc_read_timeout 1h;
      grpc_send_timeout 1h;
      client_body_timeout 1h;
      client_max_body_size 0;
    }`
}

function webServer(port: number, timeoutS: number): string {
  return `
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://farm;
      proxy_http_version 1.1;
      proxy_set_header Host $host:$server_port;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_read_timeout ${timeoutS}s;
      proxy_send_timeout ${timeoutS}s;
    }`
}

function nginxConfig(hosts: readonly string[], dir: string, server: string): string {
  return `
daemon off;
master_process off;
pid ${dir}/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  upstream farm {
${hosts.map((host) => `    server ${host} max_fails=1 fail_timeout=1s;`).join('\n')}
  }
  server {${server}
  }
}
`
}
