import { z } from 'zod'
import { FORGE_KINDS } from '../../core/forges.ts'
import { forgeRefusalView } from './rest-repositories.ts'
import { pipelineId } from './views.ts'

/** Forge links: where a repository's commit statuses are reported. */

const forge = z.enum(FORGE_KINDS)
const apiUrl = z
  .url({
    protocol: /^https?$/,
    error: 'must be the URL of an API, like https://git.example.com/api/v1',
  })
  .max(2048)
  .refine((text) => {
    const { username, password, search, hash } = new URL(text)
    return username === '' && password === '' && search === '' && hash === ''
  }, 'must have neither user, password, query nor fragment')
const project = z
  .string()
  .max(500)
  .regex(
    /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)+$/,
    'must be like owner/name: letters, digits, `.`, `_`, `-`',
  )
  .refine(
    (path) => path.split('/').every((part) => !/^\.+$/.test(part)),
    'must not have `.` or `..`',
  )

export const newForgeLink = z.strictObject({
  /** By default what the repository was registered as; `gitea` also for Forgejo. */
  forge: forge.optional(),
  /** The forge's API; by default derived from the clone URL. */
  apiUrl: apiUrl.optional(),
  /** The repository's path at the forge; by default that of the clone URL. */
  project: project.optional(),
  /** Saved without asking the forge whether it accepts statuses: it can't be reached now. */
  isUnchecked: z.boolean().optional(),
  /** Must be allowed to write statuses; stored encrypted, and never shown again. */
  token: z.string().regex(/^[!-~]{8,1000}$/, 'must have 8 to 1000 printable characters, no spaces'),
})
export type NewForgeLink = z.input<typeof newForgeLink>

export const forgeLinkView = z
  .object({
    forge,
    apiUrl: z.string(),
    project: z.string(),
    createdAt: z.number(),
    /** Absent: the token was accepted last time, or not checked yet. Checked daily. */
    refusal: forgeRefusalView.optional(),
    /** The last status that was sent, or refused by the forge. */
    last: z
      .object({
        pipelineId,
        sha: z.string(),
        context: z.string(),
        state: z.string(),
        /** Why it was refused; absent: it was accepted. */
        error: z.string().optional(),
        toldAt: z.number(),
      })
      .optional(),
  })
  .meta({ id: 'ForgeLink' })
export type ForgeLinkView = z.infer<typeof forgeLinkView>

export const shownForgeLink = z.object({ link: forgeLinkView })
