import { createHash } from 'node:crypto'
import { z } from 'zod'

/** What is shown to a registry. */
export type Login =
  | { readonly kind: 'password'; readonly name: string; readonly password: string }
  /** A token that is exchanged for others. */
  | { readonly kind: 'identity'; readonly name: string; readonly token: string }

const Entry = z.object({
  auth: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  identitytoken: z.string().nullish(),
})

const File = z.object({
  auths: z.record(z.string(), Entry).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
})

/** A file of logins, in the form of Docker's `config.json`. */
export type LoginFile = z.infer<typeof File>

/** Undefined if the text is none. */
export function parseLoginFile(json: string): LoginFile | undefined {
  try {
    return File.safeParse(JSON.parse(json)).data
  } catch {
    return undefined
  }
}

/** Asks a credential helper about a key; undefined if it has nothing. */
export type AskHelper = (helper: string, key: string) => Promise<Login | undefined>

const NAME_OF_TOKEN = '<token>'

/** A file's login for a repository: the most specific entry, from a helper, a store, or the file itself. */
export async function loginIn(
  file: LoginFile,
  repository: string,
  askHelper: AskHelper,
): Promise<Login | undefined> {
  const keys = keysOf(repository)
  for (const key of keys) {
    const helper = file.credHelpers?.[key]
    if (helper) return await askHelper(helper, key)
  }
  for (const key of keys) {
    const [, entry] = Object.entries(file.auths ?? {}).find(([own]) => plain(own) === key) ?? []
    const login = entry && loginOf(entry)
    if (login) return login
  }
  if (!file.credsStore) return undefined
  for (const key of keys.flatMap((one) => [one, `https://${one}`])) {
    const login = await askHelper(file.credsStore, key)
    if (login) return login
  }
  return undefined
}

/** What a helper answers; undefined if it is nothing. */
export function helperLogin(json: string): Login | undefined {
  const Answer = z.object({ Username: z.string(), Secret: z.string() })
  try {
    const { Username: name, Secret: secret } = Answer.parse(JSON.parse(json))
    return name === NAME_OF_TOKEN
      ? { kind: 'identity', name: '', token: secret }
      : { kind: 'password', name, password: secret }
  } catch {
    return undefined
  }
}

/** A file with one login, for one pull. */
export function fileOf(login: Login | undefined, host: string): string {
  if (!login) return JSON.stringify({ auths: {} })
  const { name } = login
  const secret = login.kind === 'password' ? login.password : ''
  const auth = Buffer.from(`${name || NAME_OF_TOKEN}:${secret}`).toString('base64')
  const token = login.kind === 'identity' ? { identitytoken: login.token } : {}
  return JSON.stringify({ auths: { [host]: { auth, ...token } } })
}

/** Tells logins apart without keeping them. */
export function loginKey(login: Login | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify(login ?? ''))
    .digest('hex')
}

function loginOf(entry: z.infer<typeof Entry>): Login | undefined {
  const [name = '', ...rest] = entry.auth
    ? Buffer.from(entry.auth, 'base64').toString().replace(/\0+$/, '').split(':')
    : [entry.username ?? '', entry.password ?? '']
  if (entry.identitytoken) return { kind: 'identity', name, token: entry.identitytoken }
  return name === '' ? undefined : { kind: 'password', name, password: rest.join(':') }
}

/** `host/team/app`, `host/team`, `host`. */
function keysOf(repository: string): string[] {
  const parts = repository.split('/')
  const keys = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  return keys.at(-1) === 'docker.io' ? [...keys, 'index.docker.io', 'registry-1.docker.io'] : keys
}

/** Docker writes hosts as URLs of an old version of its protocol. */
function plain(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(?:v1|v2)?\/?$/, '')
}
