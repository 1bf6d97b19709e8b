import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import { runProgram } from '../layer/run-program.ts'
import type { FetchEnv } from './fetch-env.ts'
import { helperLogin, type Login, loginIn, parseLoginFile } from './login.ts'

const HELPER_MS = 30_000

/** Finds the operator's login for a repository: in the files that skopeo and Docker read, in their order. */
export async function findOperatorLogin(
  repository: string,
  env: FetchEnv,
  signal: AbortSignal,
): Promise<Login | undefined> {
  for (const path of operatorFiles(env)) {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    const login = text === undefined ? undefined : await loginOf(text, repository, env, signal)
    if (login) return login
  }
  return undefined
}

/** A job's own login for a repository, of those in this text. Rejects with `invalid` if it has another form. */
export async function findJobLogin(text: string, repository: string): Promise<Login | undefined> {
  const file = parseLoginFile(text)
  if (!file?.auths) {
    const words =
      'the secret of the job\'s `registry_login` has another form than Docker\'s config.json: {"auths": {"registry.example": {"username": "…", "password": "…"}}}'
    throw new NarwhalError('invalid', words)
  }
  // Programs of the operator are not asked on behalf of a job.
  const { auths } = file
  return loginIn({ auths }, repository, () => Promise.resolve(undefined))
}

async function loginOf(
  text: string,
  repository: string,
  env: FetchEnv,
  signal: AbortSignal,
): Promise<Login | undefined> {
  const file = parseLoginFile(text)
  if (!file) return undefined
  return loginIn(file, repository, async (helper, key) => {
    if (!/^[\w.-]+$/.test(helper)) return undefined
    const either = AbortSignal.any([signal, AbortSignal.timeout(HELPER_MS)])
    const program = [`docker-credential-${helper}`, 'get']
    const options = { signal: either, input: Buffer.from(key), env }
    // It also fails if it has no login for the key.
    const answer = await runProgram(program, options).catch(() => {
      signal.throwIfAborted()
      return ''
    })
    return helperLogin(answer)
  })
}

function operatorFiles(env: FetchEnv): string[] {
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG, HOME } = env
  // As for skopeo, a named file switches all others off.
  if (REGISTRY_AUTH_FILE) return [REGISTRY_AUTH_FILE]
  const config = XDG_CONFIG_HOME || (HOME && join(HOME, '.config'))
  const docker = DOCKER_CONFIG || (HOME && join(HOME, '.docker'))
  return [
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'containers/auth.json')] : []),
    ...(config ? [join(config, 'containers/auth.json')] : []),
    ...(docker ? [join(docker, 'config.json')] : []),
  ]
}
