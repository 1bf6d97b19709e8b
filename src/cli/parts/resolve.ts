import type { ApiClient } from '../../client/client.ts'
import type { PipelineWithJobs } from '../../contract/rest/rest.ts'
import type { RepositoryView } from '../../contract/rest/rest-repositories.ts'
import type { JobView, PipelineView } from '../../contract/rest/views.ts'
import type { JobId, PipelineId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { type GitEnv, git } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { findCheckout, readOrigin } from './repository-origin.ts'

/** Pipelines per request when searching for a number. */
const PAGE = 500

/** Resolves an id or `owner/name#12` to a pipeline's id. Rejects with `not_found` or `invalid`. */
export async function resolvePipeline(client: ApiClient, given: string): Promise<PipelineId> {
  if (isPipelineId(given)) return given
  const named = /^(.+)#([1-9]\d{0,9})$/.exec(given)
  if (!named) {
    const what = JSON.stringify(given.slice(0, 200))
    throw new NarwhalError('invalid', `${what} isn't a pipeline: use an id or owner/name#12`)
  }
  const [, repository = '', digits] = named
  const number = Number(digits)
  for (let before: PipelineId | undefined; ; ) {
    const page: PipelineView[] = await client.listPipelines({
      repository,
      limit: PAGE,
      ...present({ before }),
    })
    const found = page.find((pipeline) => pipeline.number === number)
    if (found) return found.id
    const last = page.at(-1)
    // Newest first: it can't follow a smaller number.
    if (!last || page.length < PAGE || last.number < number) {
      const words = `pipeline ${given} not found; see \`narwhal pipeline list\``
      throw new NarwhalError('not_found', words)
    }
    before = last.id
  }
}

export function isPipelineId(given: string): given is PipelineId {
  return given.startsWith('pipeline_') && !given.includes('#')
}

export function isJobId(given: string): given is JobId {
  return given.startsWith('job_') && !given.includes('#')
}

/** The job of this name in a pipeline. Throws `not_found`, listing the jobs. */
export function getJobByName(found: PipelineWithJobs, name: string): JobView {
  const job = found.jobs.find((one) => one.name === name)
  if (job) return job
  const names = found.jobs.map((one) => cleanText(one.name)).join(', ') || 'none yet'
  throw new NarwhalError(
    'not_found',
    `the pipeline has no job ${JSON.stringify(name)}; its jobs: ${names}`,
  )
}

/**
 * The default repository: the one whose checkout contains the working directory, otherwise the only one
 * registered. Rejects with `invalid` and what to do.
 */
export async function guessRepository(
  client: ApiClient,
  io: Pick<CliIo, 'cwd' | 'env'>,
): Promise<RepositoryView> {
  const repositories = await client.listRepositories()
  const here = await findByCheckout(repositories, io)
  if (here) return here
  const [only] = repositories
  if (only && repositories.length === 1) return only
  const message = only
    ? `which repository? Specify one of: ${repositories.map(({ name }) => cleanText(name)).join(', ')}`
    : 'no repositories registered: add one with `narwhal repo add <url-or-path>`'
  throw new NarwhalError('invalid', message)
}

async function findByCheckout(
  repositories: readonly RepositoryView[],
  io: Pick<CliIo, 'cwd' | 'env'>,
): Promise<RepositoryView | undefined> {
  const root = await findCheckout(io.cwd)
  if (!root) return undefined
  const byPath = repositories.find(({ cloneUrl }) => cloneUrl.replace(/\/(?:\.git)?$/, '') === root)
  if (byPath) return byPath
  const url = await git(['remote', 'get-url', 'origin'], { cwd: root, env: gitEnv(io) }).catch(
    () => '',
  )
  const origin = url.trim() ? await key(url.trim(), root) : undefined
  if (!origin) return undefined
  for (const repository of repositories) {
    if ((await key(repository.cloneUrl, '/')) === origin) return repository
  }
  return undefined
}

function gitEnv({ env }: Pick<CliIo, 'env'>): GitEnv {
  const { PATH, HOME } = env
  return { ...(PATH ? { PATH } : {}), ...(HOME ? { HOME } : {}) }
}

/** The same key for https://host/a/b.git and git@host:a/b. */
async function key(url: string, cwd: string): Promise<string | undefined> {
  const origin = await readOrigin(url, cwd).catch(() => undefined)
  if (!origin) return undefined
  if (origin.cloneUrl.startsWith('/')) return origin.cloneUrl.replace(/\/(?:\.git)?$/, '')
  const host = /^(?:[a-z+]+:\/\/)?(?:[^/@]*@)?([^/:]+)/i.exec(origin.cloneUrl)?.[1]?.toLowerCase()
  return `${host}/${origin.name}`
}
