import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../lib/parse-json.ts'
import { runProgram } from './commands.ts'
import { familyOf } from './ranges.ts'

/** The parts of the machine's network on which that of jobs depends. */
export interface MachineFacts {
  /** All routed ranges except for default routes; includes its own addresses. */
  readonly routed: readonly string[]
  /** Those of them that are of no runner. */
  readonly foreign: readonly string[]
  /** Its own IPv4 addresses except for loopback. */
  readonly ownAddresses: readonly string[]
  /** Ranges that it reaches without a gateway. */
  readonly onLink: readonly string[]
  /** Interfaces with routes, except for those of jobs. */
  readonly uplinks: readonly string[]
  readonly hasIpv4Default: boolean
  readonly hasIpv6Default: boolean
  /** The smallest MTU of the interfaces to the outside, in bytes. */
  readonly mtu: number
}

const Routes = z.array(
  z.object({
    dst: z.string(),
    dev: z.string().optional(),
    type: z.string().optional(),
    gateway: z.string().optional(),
    via: z.unknown().optional(),
    nexthops: z.array(z.object({ dev: z.string() })).optional(),
  }),
)

/** Prefix of the interfaces of all Narwhals on the machine. */
const OURS = /^n[wt][0-9a-f]{6}/
const USUAL_MTU = 1_500
const SMALLEST_MTU = 1_280

export async function readMachine(): Promise<MachineFacts> {
  const [four, six] = await Promise.all([readRoutes('-4'), readRoutes('-6')])
  const all = [...four, ...six]
  const routes = all.filter(({ dev = '' }) => !OURS.test(dev))
  const unicast = routes.filter(({ type = 'unicast', dev }) => type === 'unicast' && dev !== 'lo')
  const devices = unicast.flatMap(({ dev, nexthops = [] }) => [
    ...(dev === undefined ? [] : [dev]),
    ...nexthops.map((hop) => hop.dev),
  ])
  const isDefault = ({ dst }: { dst: string }) => dst === 'default'
  const onLink = unicast.filter(
    ({ dst, gateway, via, nexthops }) => dst !== 'default' && !gateway && !via && !nexthops,
  )
  const ways = unicast.filter(isDefault).flatMap(({ dev }) => dev ?? [])
  return {
    // Including other runners: their ranges are taken.
    routed: all.map(({ dst }) => dst).filter((dst) => dst !== 'default'),
    foreign: routes.map(({ dst }) => dst).filter((dst) => dst !== 'default'),
    ownAddresses: four
      .filter(({ type, dev = '' }) => type === 'local' && dev !== 'lo' && !OURS.test(dev))
      .map(({ dst }) => dst),
    onLink: onLink.map(({ dst }) => dst).filter((dst) => !dst.startsWith('fe80:')),
    uplinks: [...new Set(devices)],
    hasIpv4Default: unicast.some((route) => isDefault(route) && four.includes(route)),
    hasIpv6Default: unicast.some((route) => isDefault(route) && six.includes(route)),
    mtu: Math.max(SMALLEST_MTU, Math.min(USUAL_MTU, ...(await Promise.all(ways.map(mtuOf))))),
  }
}

async function readRoutes(family: '-4' | '-6'): Promise<z.output<typeof Routes>> {
  const text = await runProgram('ip', ['-j', family, 'route', 'show', 'table', 'all'])
  return Routes.parse(text.trim() === '' ? [] : parseJson(text))
}

async function mtuOf(device: string): Promise<number> {
  const text = await readFile(`/sys/class/net/${device}/mtu`, 'utf8').catch(() => '')
  return Number(text) || USUAL_MTU
}

/** Names of interfaces and network namespaces with this prefix. */
export async function listNames(
  prefix: string,
): Promise<{ links: string[]; namespaces: string[] }> {
  const names = async (folder: string) =>
    (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(prefix))
  return { links: await names('/sys/class/net'), namespaces: await names('/run/netns') }
}

/** A kernel setting below /proc/sys/net; undefined if it does not exist. */
export async function readSetting(name: string): Promise<string | undefined> {
  return readFile(join('/proc/sys/net', name), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
}

export async function writeSetting(name: string, value: string): Promise<void> {
  await writeFile(join('/proc/sys/net', name), value)
}

/** The machine's own name servers, and the other lines of its resolv.conf(5). */
export async function readNameServers(path = '/etc/resolv.conf'): Promise<{
  readonly servers: readonly string[]
  readonly rest: readonly string[]
}> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const lines = text.split('\n').map((line) => line.trim())
  const servers = lines.flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
  const rest = lines.filter((line) => /^(search|domain|options)\s/.test(line))
  // The default of resolv.conf(5).
  return { servers: servers.length > 0 ? servers : ['127.0.0.1'], rest }
}

export function isIpv6(address: string): boolean {
  return familyOf(address) === 'ipv6'
}
