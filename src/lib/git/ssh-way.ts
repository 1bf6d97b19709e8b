import { execFile } from 'node:child_process'
import { present } from '../present.ts'
import { ANY_HOSTS, type HostAddress } from '../reach/hosts.ts'
import { type GitEnv, processEnv } from './git.ts'
import type { SshPlace } from './ssh-place.ts'

const TIMEOUT_MS = 20_000

/**
 * Options with which ssh connects to a looked-up and permitted address of the host, but still checks the
 * host's key under its name. The user's configuration is read through `ssh -G`: a name may be defined only
 * there, and where it goes through another machine (ProxyJump, ProxyCommand) the operator has chosen the way.
 * Rejects as `Hosts.find` does.
 */
export async function sshWay(
  place: SshPlace,
  { env, signal }: { readonly env: GitEnv; readonly signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  const said = await configured(place, env, signal)
  if (isSet(said.get('proxycommand')) || isSet(said.get('proxyjump'))) return []
  const hostname = said.get('hostname') ?? place.host
  const port = said.get('port') ?? (place.port || '22')
  const found = await (env.hosts ?? ANY_HOSTS).find(hostname)
  const address = choose(found, said.get('addressfamily'))
  // As ssh itself writes it to known_hosts: an alias as it is, without the port.
  const name = port === '22' ? hostname : `[${hostname}]:${port}`
  const alias = said.has('hostkeyalias') ? [] : [`-oHostKeyAlias=${name}`]
  return [`-oHostName=${address}`, ...alias]
}

/** The output of `ssh -G` by lower-case names; empty if that fails, as ssh itself then will. */
async function configured(
  { target, port }: SshPlace,
  env: GitEnv,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { promise, resolve } = Promise.withResolvers<string>()
  execFile(
    'ssh',
    ['-G', ...(port === '' ? [] : ['-p', port]), '--', target],
    {
      env: processEnv(env),
      timeout: TIMEOUT_MS,
      maxBuffer: 256 * 1024,
      ...present({ signal }),
    },
    (error, stdout) => resolve(error ? '' : stdout),
  ).stdin?.end()
  const lines = (await promise).split('\n').map((line) => /^([a-z]+) (.*)$/.exec(line))
  signal?.throwIfAborted()
  return new Map(lines.flatMap((line) => (line ? [[line[1] ?? '', line[2] ?? '']] : [])))
}

function choose(
  found: readonly [HostAddress, ...HostAddress[]],
  family: string | undefined,
): string {
  const wanted = family === 'inet' ? 4 : family === 'inet6' ? 6 : undefined
  return (found.find((one) => one.family === wanted) ?? found[0]).address
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== 'none' && value !== ''
}
