import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FetchEnv } from './fetch-env.ts'

const SYSTEM = '/etc/containers/registries.conf'

/**
 * Whether the operator's `registries.conf` says anything of a registry: that it has mirrors, is elsewhere, is blocked,
 * or needs no certificate. Then skopeo is asked for a tag's digest, which obeys it; our own request would go to the
 * registry itself. Files are read as for skopeo, by a look at their tables' names only: to ask it once too often costs
 * a request, no more.
 */
export async function isConfigured(host: string, env: FetchEnv): Promise<boolean> {
  const texts = await Promise.all((await filesOf(env)).map((path) => textOf(path)))
  return texts.some((text) => /^\s*\[\[\s*registry\b/m.test(text) && names(text, host))
}

/** Of docker.io as well by the host that serves it; `*.example.com` is a prefix for all below it. */
function names(text: string, host: string): boolean {
  const own = host === 'registry-1.docker.io' ? ['docker.io', host] : [host]
  const domains = host.split('.').map((_, at) => `*.${host.split('.').slice(at).join('.')}`)
  return [...own, ...domains].some((one) => text.includes(one))
}

async function filesOf(env: FetchEnv): Promise<readonly string[]> {
  const { HOME, XDG_CONFIG_HOME, CONTAINERS_REGISTRIES_CONF } = env
  const config = XDG_CONFIG_HOME || (HOME && join(HOME, '.config'))
  const users = config ? [join(config, 'containers/registries.conf')] : []
  const folders = [SYSTEM, ...users].map((path) => `${path}.d`)
  const more = await Promise.all(
    folders.map(async (folder) => {
      const found = await readdir(folder).catch(() => [])
      return found.filter((name) => name.endsWith('.conf')).map((name) => join(folder, name))
    }),
  )
  const first = CONTAINERS_REGISTRIES_CONF ? [CONTAINERS_REGISTRIES_CONF] : [SYSTEM, ...users]
  return [...first, ...more.flat()]
}

async function textOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.replaceAll(/^\s*#.*$/gm, '')
}
