import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { readGitEnv } from '../src/config/env.ts'
import { git } from '../src/lib/git/git.ts'
import { gitRepository } from './support/git-repository.ts'

const src = resolve(import.meta.dirname, '../src')

/** Values by which a module of Node or a library connects to something, or looks it up. */
const WAYS_OUT: Readonly<Record<string, RegExp>> = {
  'node:http': /\b(?:request|get|Agent)\b|\*/,
  'node:https': /\b(?:request|get|Agent)\b|\*/,
  'node:http2': /\bconnect\b|\*/,
  'node:net': /\b(?:connect|createConnection|Socket)\b|\*/,
  'node:tls': /\bconnect\b|\*/,
  'node:dgram': /\bcreateSocket\b|\*/,
  'node:dns': /./,
  'node:dns/promises': /./,
  ws: /\bWebSocket\b|\*/,
  undici: /./,
  pg: /\b(?:Pool|Client)\b|\*/,
  amqplib: /\bconnect\b|\*/,
  '@connectrpc/connect-node': /\b(?:create\w*Transport|Http2SessionManager)\b|\*/,
  '@opentelemetry/exporter-trace-otlp-http': /./,
}

/** What is asked because a person, a commit or a server that it leads to names it: only where `Hosts` has found it. */
const FOR_USERS: Readonly<Record<string, { readonly why: string; readonly by: RegExp }>> = {
  'lib/reach/hosts.ts': { why: 'the one look-up of hosts for users', by: /\blookUp\b/ },
  'lib/reach/ask-once.ts': {
    why: 'test deliveries, statuses, redirects of git, Git LFS',
    by: /lookup: connectTo\(found\)/,
  },
  'lib/git/git.ts': { why: 'git, which reaches nothing but by a way', by: /\bway\?\.settings\b/ },
  'lib/git/ssh-way.ts': {
    why: 'asks ssh for its configuration, and connects to nothing',
    by: /'-G'/,
  },
  'lib/git/remote-refs.ts': {
    why: 'the refs of a repository by ssh, which goes only where its way leads',
    by: /\.\.\.SSH_OPTIONS, \.\.\.way\.ssh/,
  },
  'runner/checkout/lfs/lfs-endpoint.ts': {
    why: 'Git LFS asks the repository’s host by ssh',
    by: /await sshWay\(place/,
  },
  'runner/mirror/smart-http.ts': {
    why: 'a commit by one request',
    by: /hosts\.check\(target\)[^]*lookup: hosts\.lookup/,
  },
  'dispatcher/runners/dial-connector.ts': {
    why: 'dialled runners',
    by: /hosts\.check\(new URL\(url\)\)[^]*lookup: hosts\.lookup/,
  },
}

/** What the operator names at the start of a process, the person at their own terminal, or what is this machine. */
const OTHERS: Readonly<Record<string, string>> = {
  'broker/amqp-link.ts': '--broker',
  'client/live-client.ts': 'the server of the command line',
  'dispatcher/runners/attached-connector.ts': 'speaks over the socket that a runner has opened',
  'dispatcher/traces/otlp.ts': '--otlp',
  'lib/tls/tls-fetch.ts':
    'the command line: its server, and its own issuer; web to --dispatcher; never what users name',
  'lib/reach/proven-server.ts':
    'the command line and runners: their own server; --server, --dispatcher',
  'lib/pipes/open-fifo.ts': 'reads a pipe',
  'lib/programs/fork-server.ts': 'the streams of its own shell',
  'lib/tls/tls-files.ts': 'holds the agent of tls-fetch',
  'runner/attach/dial-dispatcher.ts': '--dispatcher',
  'runner/executor/docker/engine/docker-http.ts': 'the container engine of --executor',
  'runner/network/holes.ts': '--reach: what jobs may reach, which connect themselves',
  'runner/network/user/reach-process.ts': 'tries from inside a job’s network what it reaches',
  'runner/network/resolver/resolver.ts': 'answers the names of jobs',
  'runner/network/resolver/upstream.ts': 'asks the machine’s name servers for jobs',
  'runner/watchdog/watchdog.ts': 'a pipe to a process of our own',
  'store/postgres/postgres-pool.ts': '--database',
}

/** Who may use `tls-fetch`, which goes where it is told. */
const TLS_FETCH_USERS = [
  'cli/parts/check-issuer.ts',
  'client/http-client.ts',
  'web/forward-commands.ts',
]

function sources(): { name: string; code: string }[] {
  const files = readdirSync(src, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)))
    .filter((name) => !/\.(?:test|contract|d)\.ts$|fixtures?\.ts$/.test(name))
  return files.map((name) => {
    const text = readFileSync(join(src, name), 'utf8')
    return { name, code: text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '') }
  })
}

/** How a file's code can get out of this process, if it can. */
function waysOut(code: string): string[] {
  const found: string[] = []
  for (const [, names = '', from = ''] of code.matchAll(
    /import (?!type )([^;'"]*?) from '([^']+)'/g,
  )) {
    const values = names.replaceAll(/\btype \w+/g, '')
    if (WAYS_OUT[from]?.test(values)) found.push(from)
  }
  for (const [, from = ''] of code.matchAll(/import\('([^.'][^']*)'\)/g)) {
    if (WAYS_OUT[from]) found.push(from)
  }
  if (/(?<![.\w#])fetch\(|\bglobalThis\.fetch\b/.test(code)) found.push('fetch')
  if (/new (?:WebSocket|EventSource)\(/.test(code)) found.push('WebSocket')
  const starts = '(?:spawn|execFile|exec|run|runToEnd|startProgram|startChild|start)'
  const programs = new RegExp(`${starts}\\(\\s*\\[?\\s*'(ssh|git|curl|wget|scp)'`).exec(code)
  if (programs?.[1]) found.push(programs[1])
  return found
}

test('nothing connects to another machine but what is listed here, with the reason', () => {
  const named = { ...FOR_USERS, ...OTHERS }
  const leaving = sources().filter(({ code }) => waysOut(code).length > 0)
  const unnamed = leaving.filter(({ name }) => !(name in named))
  assert.deepEqual(
    unnamed.map(({ name, code }) => `${name}: ${waysOut(code).join(', ')}`),
    [],
    'ask by askOnce with addresses that Hosts has found, or say here who names the address',
  )
  const names = new Set(leaving.map(({ name }) => name))
  for (const name of Object.keys(named)) assert.ok(names.has(name), `${name} does not any more`)
})

test('whatever is asked for users is asked where its host was found', () => {
  const byName = new Map(sources().map(({ name, code }) => [name, code]))
  for (const [name, { why, by }] of Object.entries(FOR_USERS)) {
    assert.match(byName.get(name) ?? '', by, `${name}: ${why}`)
  }
  const users = sources().filter(({ code }) => /from '[^']*\/tls-fetch\.ts'/.test(code))
  const values = users.filter(({ code }) => /import \{[^}]*\btlsFetch\b/.test(code))
  assert.deepEqual(values.map(({ name }) => name).toSorted(), TLS_FETCH_USERS)
})

test('git without a way reaches no other machine, nor a folder', async () => {
  await using repository = await gitRepository({ files: { a: 'b' }, serve: true })
  const ssh = `ssh://git@127.0.0.1:${new URL(repository.url).port}/a`
  for (const url of [repository.url, ssh, repository.path, `file://${repository.path}`]) {
    await assert.rejects(git(['ls-remote', '--', url], { env: readGitEnv() }), {
      message: /transport '\w+' not allowed/,
    })
  }
  assert.deepEqual(repository.requests, [])
})
