import { bitbucket } from './bitbucket/bitbucket.ts'
import type { ForgePort, ForgePorts } from './forge.ts'
import { gitea } from './gitea/gitea.ts'
import { github } from './github/github.ts'
import { gitlab } from './gitlab/gitlab.ts'

/** Every kind of forge that Narwhal speaks to. */
export const FORGE_PORTS: ForgePorts = { github, gitea, gitlab, bitbucket }

/** The port of a kind that need not have everything. */
export function forgePort(kind: keyof ForgePorts): ForgePort {
  return FORGE_PORTS[kind]
}
