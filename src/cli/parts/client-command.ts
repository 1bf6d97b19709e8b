import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { ApiClient } from '../../client/client.ts'
import type { ServerAddress } from '../../client/http-client.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import { cleanJson, cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'

/** Where Narwhal is unless somebody says otherwise. */
export const DEFAULT_SERVER = 'http://127.0.0.1:4747'

const DATA_HELP =
  'the data folder of a Narwhal on this machine, whose token is used (or NARWHAL_DATA)'

/** The options that every client command has. */
export interface ClientOptions {
  readonly server?: string
  readonly token?: string
  readonly data?: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly json?: boolean
}

/** Adds a command that talks to a server, with the options all of them share and its examples. */
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
    .addOption(new Option('--server <url>', `the server (or NARWHAL_SERVER; ${DEFAULT_SERVER})`))
    .addOption(new Option('--token <token>', 'an access token (or, out of sight, NARWHAL_TOKEN)'))
    .addOption(new Option('--data <folder>', DATA_HELP))
    .addOption(new Option('--ca <file>', 'an authority to trust, in PEM (or NARWHAL_CA)'))
    .addOption(new Option('--cert <file>', 'a client certificate, in PEM (or NARWHAL_CERT)'))
    .addOption(new Option('--key <file>', 'the key of --cert, in PEM (or NARWHAL_KEY)'))
    .option('--json', "print the API's JSON instead")
    .addHelpText('after', `\nExamples:\n${examples}`)
}

/** Adds a command that removes what its one argument names, and says so. */
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

/** The client for what the options and the environment say; throws `invalid` for a wrong URL. */
export async function openClient(options: ClientOptions, io: CliIo): Promise<ApiClient> {
  const server = options.server || io.env['NARWHAL_SERVER'] || DEFAULT_SERVER
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    const given = JSON.stringify(server.slice(0, 200))
    throw new NarwhalError(
      'invalid',
      `${given} is no server's URL: write it like ${DEFAULT_SERVER}`,
    )
  }
  // The schemas cost some tens of milliseconds; `narwhal --help` shall not wait for them.
  const { ApiClient } = await import('../../client/client.ts')
  const tls = await openTls(options, io)
  const shown = await findToken(server, options, io)
  return new ApiClient({ server: server.replace(/\/+$/, ''), tls, ...shown }, io.signal)
}

/**
 * The token that was given; else, for a server on this machine, that of the data folder, which a
 * Narwhal of the same user has left there for its own people.
 */
async function findToken(
  server: string,
  options: ClientOptions,
  io: CliIo,
): Promise<Pick<ServerAddress, 'token' | 'isOwnToken'>> {
  if (options.token) tellOff(io, '--token', 'NARWHAL_TOKEN, or NARWHAL_TOKEN_FILE')
  const given = options.token || io.env['NARWHAL_TOKEN']
  if (given) return { token: given }
  const file = io.env['NARWHAL_TOKEN_FILE']
  if (file) return { token: readTokenFile(resolve(io.cwd, file)) }
  const { isLoopbackUrl } = await import('../../lib/reach/loopback.ts')
  if (!isLoopbackUrl(server)) return {}
  const { readOwnToken } = await import('../../lib/reach/own-token.ts')
  return { token: readOwnToken(dataFolderOf(options, io), 'access'), isOwnToken: true }
}

/** Of a credential in a flag; the command goes on, since it was seen already. */
export function tellOff(io: CliIo, flag: string, instead: string): void {
  note(
    io,
    `narwhal: everybody on this machine can read the value of ${flag} in its list of processes: set ${instead}, instead`,
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

/** Says something to the person that is no part of the command's output. */
export function note(io: CliIo, text: string): void {
  io.stderr.write(`${text}\n`)
}

/** Reads an option's whole number from 1 on; throws `invalid` by the option's name. */
export function wholeNumber(option: string): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
    throw new NarwhalError('invalid', `${option} takes a whole number from 1 on`)
  }
}
