import { bitbucket } from './bitbucket/bitbucket.ts'
import type { ForgePort, ForgePorts } from './forge.ts'
import { gitea } from './gitea/gitea.ts'
import { github } from './github/github.ts'
import { gitlab } from './gitlab/gitlab.ts'
import { gogs } from './gogs/gogs.ts'

export const FORGE_PORTS: ForgePorts = { github, gitea, gogs, gitlab, bitbucket }

/** The port of a kind, without the guarantee that it has webhooks. */
export function forgePort(kind: keyof ForgePorts): ForgePort {
  return FORGE_PORTS[kind]
}
