import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { ApiClient } from '../../client/client.ts'
import type { ServerAddress } from '../../client/http-client.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import { cleanJson, cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'

export const DEFAULT_SERVER = 'http://127.0.0.1:4747'

const DATA_HELP = 'data folder of a Narwhal on this machine, to use its token (or NARWHAL_DATA)'

/** The options of every client command. */
export interface ClientOptions {
  readonly server?: string
  readonly token?: string
  readonly data?: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly json?: boolean
}

/** Adds a command that talks to a server, with the common options and its examples. */
export function addClientCommand(
  parent: Command,
  usage: string,
  text: { readonly summary: string; readonly description?: string; readonly examples: string[] },
): Command {
  const examples = text.examples.map((example) => `  $ narwhal ${example}`).join('\n')
  return parent
    .command(usage)
    .summary(text.summary)
    .description(text.description ?? text.summary)
    .addOption(
      new Option('--server <url>', `server URL (or NARWHAL_SERVER; default: ${DEFAULT_SERVER})`),
    )
    .addOption(new Option('--token <token>', 'access token (or set NARWHAL_TOKEN)'))
    .addOption(new Option('--data <folder>', DATA_HELP))
    .addOption(new Option('--ca <file>', 'CA certificate to trust, PEM (or NARWHAL_CA)'))
    .addOption(new Option('--cert <file>', 'client certificate, PEM (or NARWHAL_CERT)'))
    .addOption(new Option('--key <file>', 'key of --cert, PEM (or NARWHAL_KEY)'))
    .option('--json', "print the API's JSON")
    .addHelpText('after', `\nExamples:\n${examples}`)
}

/** Adds a command that removes what its argument names. */
export function addRemoveCommand(
  parent: Command,
  usage: string,
  text: Parameters<typeof addClientCommand>[2],
  { io, remove }: { io: CliIo; remove: (client: ApiClient, given: string) => Promise<unknown> },
): void {
  addClientCommand(parent, usage, text).action(async (given: string, options: ClientOptions) => {
    await remove(await openClient(options, io), given)
    if (options.json) return printJson(io, { ok: true })
    io.stdout.write(`removed ${cleanText(given)}\n`)
  })
}

/** The client configured by options and environment. Throws `invalid` for an invalid URL. */
export async function openClient(options: ClientOptions, io: CliIo): Promise<ApiClient> {
  const server = options.server || io.env['NARWHAL_SERVER'] || DEFAULT_SERVER
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    const given = JSON.stringify(server.slice(0, 200))
    throw new NarwhalError('invalid', `invalid server URL ${given}: use one like ${DEFAULT_SERVER}`)
  }
  // Loading the schemas takes tens of milliseconds, which `narwhal --help` needn't spend.
  const { ApiClient } = await import('../../client/client.ts')
  const tls = await openTls(options, io)
  const shown = await findToken(server, options, io)
  return new ApiClient({ server: server.replace(/\/+$/, ''), tls, ...shown }, io.signal)
}

/**
 * The given token; otherwise, for a server on this machine, the one that a Narwhal of the same user has
 * written to its data folder.
 */
async function findToken(
  server: string,
  options: ClientOptions,
  io: CliIo,
): Promise<Pick<ServerAddress, 'token' | 'isOwnToken'>> {
  if (options.token) warnOfFlag(io, '--token', 'NARWHAL_TOKEN or NARWHAL_TOKEN_FILE')
  const given = options.token || io.env['NARWHAL_TOKEN']
  if (given) return { token: given }
  const file = io.env['NARWHAL_TOKEN_FILE']
  if (file) return { token: readTokenFile(resolve(io.cwd, file)) }
  const { isLoopbackUrl } = await import('../../lib/reach/loopback.ts')
  if (!isLoopbackUrl(server)) return {}
  const { readOwnToken } = await import('../../lib/reach/own-token.ts')
  return { token: readOwnToken(dataFolderOf(options, io), 'access'), isOwnToken: true }
}

/** Warns of a credential in a flag; the command continues, since it is exposed already. */
export function warnOfFlag(io: CliIo, flag: string, instead: string): void {
  note(
    io,
    `narwhal: every user of this machine can read the value of ${flag} in the process list: set ${instead} instead`,
  )
}

/** The data folder of a Narwhal on this machine. */
export function dataFolderOf(options: ClientOptions, io: CliIo): string {
  return resolve(io.cwd, options.data || io.env['NARWHAL_DATA'] || io.dataFolder)
}

function readTokenFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    const words = `NARWHAL_TOKEN_FILE can't be read: ${describeError(cause)}`
    throw new NarwhalError('invalid', words, { cause })
  }
}

const TLS_NAMES = { ca: '--ca', cert: '--cert', key: '--key', clientCa: '--ca' }

export async function openTls(
  options: ClientOptions,
  { env }: CliIo,
): Promise<ClientTls | undefined> {
  const ca = options.ca || env['NARWHAL_CA'] || undefined
  const cert = options.cert || env['NARWHAL_CERT'] || undefined
  const key = options.key || env['NARWHAL_KEY'] || undefined
  if (!ca && !cert && !key) return undefined
  const { TlsFiles } = await import('../../lib/tls/tls-files.ts')
  const { silentLog } = await import('../../lib/log.ts')
  return TlsFiles.open({ ca, cert, key }, silentLog(), { names: TLS_NAMES }).client
}

export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${cleanJson(value)}\n`)
}

/** Prints a hint that isn't part of the command's output. */
export function note(io: CliIo, text: string): void {
  io.stderr.write(`${text}\n`)
}

/** Parses an option's positive whole number. Throws `invalid`, naming the option. */
export function wholeNumber(option: string): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
    throw new NarwhalError('invalid', `${option} takes a positive whole number`)
  }
}
