import { z } from 'zod'
import { FORGE_KINDS } from '../../core/forges.ts'
import { forgeRefusalView, pipelineId } from './views.ts'

/** Where the statuses of a repository's commits are told: requests and answers. */

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
  /** What the repository was registered as, unless told; `gitea` is Forgejo's, too. */
  forge: forge.optional(),
  /** Of the forge's API; that of the host in the clone URL unless told. */
  apiUrl: apiUrl.optional(),
  /** The repository's path at the forge; that of the clone URL unless told. */
  project: project.optional(),
  /** One that may write statuses; it is sealed, and never shown again. */
  token: z.string().regex(/^[!-~]{8,1000}$/, 'must have 8 to 1000 printable characters, no spaces'),
})
export type NewForgeLink = z.input<typeof newForgeLink>

export const forgeLinkView = z
  .object({
    forge,
    apiUrl: z.string(),
    project: z.string(),
    createdAt: z.number(),
    /** Absent: it has taken the token last, or was not asked yet. It is asked each day. */
    refusal: forgeRefusalView.optional(),
    /** What the forge was told of a commit last, or has refused. */
    last: z
      .object({
        pipelineId,
        sha: z.string(),
        context: z.string(),
        state: z.string(),
        /** Why it was refused; absent: it was told. */
        error: z.string().optional(),
        toldAt: z.number(),
      })
      .optional(),
  })
  .meta({ id: 'ForgeLink' })
export type ForgeLinkView = z.infer<typeof forgeLinkView>

export const shownForgeLink = z.object({ link: forgeLinkView })
