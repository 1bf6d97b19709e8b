import { readFileSync } from 'node:fs'
import { describeError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git/git.ts'

/** The one reader of process.env. */

/** The variables of this process that git inherits. */
export function readGitEnv(): GitEnv {
  const { PATH, HOME, SSH_AUTH_SOCK } = process.env
  return {
    ...(PATH ? { PATH } : {}),
    ...(HOME ? { HOME } : {}),
    ...(SSH_AUTH_SOCK ? { SSH_AUTH_SOCK } : {}),
  }
}

/** Paths and addresses that the environment defines. */
export interface Surroundings {
  readonly home: string
  readonly dataHome?: string
  readonly configHome?: string
  readonly runtimeDir?: string
  readonly dockerHost?: string
  /** From OpenTelemetry's own variable. */
  readonly otlpEndpoint?: string
}

export function readSurroundings(): Surroundings {
  const { HOME, XDG_DATA_HOME, XDG_CONFIG_HOME, XDG_RUNTIME_DIR, DOCKER_HOST } = process.env
  const otlpEndpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT']
  return {
    home: HOME ?? '/',
    ...(XDG_DATA_HOME ? { dataHome: XDG_DATA_HOME } : {}),
    ...(XDG_CONFIG_HOME ? { configHome: XDG_CONFIG_HOME } : {}),
    ...(XDG_RUNTIME_DIR ? { runtimeDir: XDG_RUNTIME_DIR } : {}),
    ...(DOCKER_HOST ? { dockerHost: DOCKER_HOST } : {}),
    ...(otlpEndpoint ? { otlpEndpoint } : {}),
  }
}

/** What skopeo reads: where logins and settings are, proxies and authorities. */
const FETCH_VARIABLES =
  'HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR DOCKER_CONFIG REGISTRY_AUTH_FILE CONTAINERS_REGISTRIES_CONF HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR'

/** The variables of this process that are passed on to the program which fetches images. */
export function readFetchEnv(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    FETCH_VARIABLES.split(' ').flatMap((name) => {
      const value = process.env[name]
      return value ? [[name, value]] : []
    }),
  )
}

/** An unparsed value; `source` names its origin in messages. */
export interface Given {
  readonly text: string
  readonly source: string
}

/**
 * The value of a `NARWHAL_…` variable; `NARWHAL_X_FILE` names a file with the value of `NARWHAL_X`, so that
 * secrets need not be in the environment. Errors are passed to `refuse`.
 */
export function readVariable(name: string, refuse: (message: string) => void): Given | undefined {
  const text = process.env[name]
  const file = process.env[`${name}_FILE`]
  if (text !== undefined && file !== undefined) {
    refuse(`${name} and ${name}_FILE are both set: unset one of them`)
    return undefined
  }
  if (file === undefined) return text === undefined ? undefined : { text, source: name }
  try {
    return { text: readFileSync(file, 'utf8').trimEnd(), source: `${name}_FILE` }
  } catch (error) {
    refuse(`${name}_FILE can't be read: ${describeError(error)}`)
    return undefined
  }
}

/** The names of all variables with Narwhal's prefix. */
export function listVariables(): string[] {
  return Object.keys(process.env).filter((name) => name.startsWith('NARWHAL_'))
}

/** For client commands: the server's address, and the capabilities of the terminal. */
export function readClientEnv(): Readonly<Record<string, string | undefined>> {
  return process.env
}
