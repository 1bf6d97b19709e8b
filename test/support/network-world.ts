import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { NetworkSettings } from '../../src/runner/network/options.ts'
import { type NetworkRunner, runnerCommand, startNetworkRunner } from './network-runner.ts'
import { uniquePrefix } from './services.ts'
import { tempDir } from './temp-dir.ts'

const run = promisify(execFile)

export const WORLD_PORT = 8_000
/** There it reads to the end, and then says how much that was, and as much again. */
export const WORLD_ECHO_PORT = 8_001

/** A server on the internet, the machine's neighbour, and addresses that are private or must be closed. */
export const WORLD = {
  outside: '192.0.2.9',
  outside6: '2001:db8:9::9',
  neighbour: '203.0.113.9',
  neighbour6: '2001:db8:1::9',
  ten: '10.9.9.9',
  carrier: '100.64.9.9',
  sixteen: '172.16.9.9',
  home: '192.168.9.9',
  local6: 'fd99::9',
  mapped: '64:ff9b::a09:909',
  sixToFour: '2002:a09:909::1',
  metadata: '169.254.169.254',
  azure: '168.63.129.16',
} as const

/** The machine's own. */
export const MACHINE = ['203.0.113.1', '10.77.77.1', '2001:db8:1::1'] as const

export interface NetworkWorld extends NetworkRunner {
  /** Another runner on the same machine. */
  another(): Promise<NetworkRunner>
  /** Restarts the same runner after it was killed. */
  again(): Promise<NetworkRunner>
  onMachine(...command: readonly string[]): Promise<string>
}

/** For node:test's `skip`: false if such worlds can be made. */
export async function withoutWorlds(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  try {
    await run('ip', ['netns', 'list'])
    await run('nft', ['--version'])
    await run('bwrap', ['--version'])
    return false
  } catch {
    return 'ip, nft and bwrap are needed (apt: iproute2, nftables, bubblewrap)'
  }
}

export interface WorldOptions {
  /** A command that the machine runs before its runner starts. */
  readonly setUp?: readonly string[]
  /** Of the cable between the machine and the world. */
  readonly mtu?: number
}

/** A machine with a runner, and a world around it, in two network namespaces: no packet leaves them. */
export async function networkWorld(
  settings: Partial<NetworkSettings> = {},
  { setUp = [], mtu = 1_500 }: WorldOptions = {},
): Promise<NetworkWorld> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const instance = uniquePrefix('world-')
  const [machine, world] = [`${instance}-m`, `${instance}-w`]
  for (const name of [machine, world]) {
    await run('ip', ['netns', 'add', name])
    stack.defer(async () => void (await run('ip', ['netns', 'del', name])))
  }
  await connect(machine, world, mtu)
  const [command, ...args] = setUp
  if (command !== undefined) await run('ip', ['netns', 'exec', machine, command, ...args])
  stack.defer(await serveWorld(world))
  const names = { 'outside.example': WORLD.outside, 'inside.example': WORLD.ten }
  const startAs = async (name: string): Promise<NetworkRunner> => {
    const folder = join(await realpath(dir.path), name)
    await mkdir(folder, { recursive: true })
    const command = runnerCommand({ instance: name, folder, settings, names })
    return await startNetworkRunner(['ip', 'netns', 'exec', machine, ...command], name)
  }
  const runner = stack.use(await startAs(instance))
  const owned = stack.move()
  return {
    ...runner,
    another: () => startAs(`${instance}-2`),
    again: () => startAs(instance),
    onMachine: async (...words) => (await run('ip', ['netns', 'exec', machine, ...words])).stdout,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function connect(machine: string, world: string, mtu: number): Promise<void> {
  const ip = async (namespace: string, lines: readonly string[]): Promise<void> => {
    const child = spawn('ip', ['-n', namespace, '-batch', '-'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    child.stdin.end(`${lines.join('\n')}\n`)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error('the world of the test could not be made')
  }
  await ip(machine, [
    'link set lo up',
    `link add up0 mtu ${mtu} type veth peer name eth0 netns ${world}`,
    'addr add 203.0.113.1/24 dev up0',
    'addr add 10.77.77.1/24 dev up0',
    'addr add 2001:db8:1::1/64 dev up0 nodad',
    'link set up0 up',
    'route add default via 203.0.113.9',
  ])
  const { neighbour, neighbour6, ...beyond } = WORLD
  await ip(world, [
    'link set lo up',
    `link set dev eth0 mtu ${mtu}`,
    `addr add ${neighbour}/24 dev eth0`,
    `addr add ${neighbour6}/64 dev eth0 nodad`,
    ...Object.values(beyond).map((one) => `addr add ${one} dev lo`),
    'link set eth0 up',
  ])
  await ip(machine, [`route add default via ${neighbour6}`])
}

const WORLD_SERVERS = `
const { createServer } = require('node:net')
const quiet = (socket) => socket.on('error', () => {})
createServer((socket) => quiet(socket).end('world')).listen(${WORLD_PORT}, '::', () => {
  createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0
    quiet(socket).on('data', (data) => void (bytes += data.length))
    socket.on('end', () => {
      socket.write(bytes + '\\n')
      socket.end(Buffer.alloc(bytes))
    })
  }).listen(${WORLD_ECHO_PORT}, '::', () => console.log('up'))
})`

/** Resolves to a function that ends it. */
async function serveWorld(world: string): Promise<() => Promise<void>> {
  const args = ['netns', 'exec', world, process.execPath, '-e', WORLD_SERVERS]
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
}
