import { mkdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import {
  type EventOptions,
  printProblems,
  readPipelineFile,
  refOf,
  targetOf,
} from '../../cli/commands/file.ts'
import { cleanText } from '../../cli/terminal/clean-text.ts'
import type { CliIo } from '../../cli/terminal/cli-io.ts'
import { EXIT, exitCodeOfOutcome } from '../../cli/terminal/exit-code.ts'
import type { EventDetails } from '../../core/commit-event.ts'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import { exists } from '../../lib/exists.ts'
import { present } from '../../lib/present.ts'
import type { ParsedPipelineFile } from '../../pipeline-file/parse-pipeline-file.ts'
import { withIncludes } from '../../pipeline-file/read/with-includes.ts'
import type { FailedSandbox } from '../../runner/attempt/failed-sandbox.ts'
import { claimFolder } from '../../runner/claim-folder.ts'
import type { Launch } from '../context.ts'
import { ensureSandbox } from '../ensure-sandbox.ts'
import { ownFolder } from '../own-folder.ts'
import { type LocalContext, localFolder, openLocalContext } from './local-context.ts'
import { openLocalEngine } from './local-engine.ts'
import { readSecretFile } from './secret-file.ts'
import { findBranch, snapshotWork } from './snapshot-work.ts'

export interface LocalOptions extends EventOptions {
  readonly dryRun?: boolean
  readonly plain?: boolean
  readonly secretFile?: string
  readonly from?: string
  readonly shellOnFailure?: boolean
}

/** `narwhal run`: runs the pipeline of the working tree in this process. */
export async function runLocal(
  launch: Launch,
  jobs: readonly string[],
  options: LocalOptions,
): Promise<void> {
  const context = await openLocalContext(launch)
  const root = await rootOf(launch.io.cwd)
  const { event = 'push', input = {}, from } = options
  const details: EventDetails = {
    inputs: input,
    ...targetOf(options),
    ...(jobs.length > 0 ? { jobs } : {}),
    ...present({ from }),
  }
  if (options.dryRun) return await dryRun(context, launch, { root, event, details, options })
  const { secretFile } = options
  const secrets = secretFile ? await readSecretFile(resolve(launch.io.cwd, secretFile)) : {}
  const folder = await openFolder(context, launch.io, root)
  const { gitEnv: env, signal } = context
  const kept = options.shellOnFailure ? await failedShell() : undefined
  const name = basename(root)
  // Before anything is written there: another run may be in progress.
  const claim = await claimFolder(folder)
  const first = snapshotWork(root, join(folder, 'snapshot.git'), { env, signal }).then(
    (snapshot) => ({ snapshot, name }),
  )
  const opening = openLocalEngine(context, folder, {
    claim,
    secrets,
    keepFailed: kept?.keep,
    first,
  })
  await Promise.allSettled([first, opening])
  // Taken first: if the snapshot failed, the engine must be closed, or the process never ends.
  await using running = await opening
  const { snapshot } = await first
  using _kept = kept
  const trouble = await ensureSandbox(running, context.config.executor, launch.io)
  if (trouble) {
    launch.io.stderr.write(`narwhal: ${trouble}\n`)
    return launch.io.exit(EXIT.unavailable)
  }
  const { follow } = await import('../../cli/follow/follow-pipeline.ts')
  const outcome = await follow(
    (following) =>
      running.run(
        {
          kind: event,
          details,
          snapshot,
          name,
          ref: refOf(options, snapshot.ref),
        },
        following,
      ),
    launch.io,
    { plain: options.plain ?? false },
  )
  if (kept?.failed) await showFailed(kept.failed, launch.io)
  launch.io.exit(exitCodeOfOutcome(outcome))
}

/** The folder of the mirror and workspaces, private to the user. */
async function openFolder({ config }: LocalContext, io: CliIo, root: string): Promise<string> {
  const folder = localFolder(root, config.data && resolve(io.cwd, config.data))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  ownFolder(folder, (text) => io.stderr.write(`narwhal: ${text}\n`))
  return folder
}

async function failedShell() {
  const { FailedShell } = await import('./failed-shell.ts')
  return new FailedShell()
}

/** Opens a shell in the sandbox of the failed step, until it exits. */
async function showFailed({ job, step, shell }: FailedSandbox, io: CliIo): Promise<void> {
  const { runShell } = await import('./failed-shell.ts')
  const words = `Shell in the sandbox of step "${step}" of job ${job}, which failed. Exit with "exit".`
  io.stdout.write(`\n${cleanText(words)}\n`)
  await runShell(await shell())
}

/**
 * The root of the repository that contains the folder, or the folder itself. Found as git does, but
 * without running it, which would delay everything else.
 */
async function rootOf(folder: string): Promise<string> {
  const start = await realpath(folder)
  for (let root = start; ; root = dirname(root)) {
    if (await exists(join(root, '.git'))) return root
    if (root === dirname(root)) return start
  }
}

interface DryRun {
  readonly root: string
  readonly event: PlanFacts['event']
  readonly details: EventDetails
  readonly options: LocalOptions
}

/** Prints the plan instead of running it. */
async function dryRun(context: LocalContext, { io }: Launch, about: DryRun): Promise<void> {
  const { root, event, details, options } = about
  const path = join(root, 'narwhal.yml')
  const text = await readPipelineFile(path, io)
  const { parsePipelineFile } = await import('../../pipeline-file/parse-pipeline-file.ts')
  const { SAMPLE_FACTS } = await import('../../core/plan/plan-facts.ts')
  const { openLocalIncludes } = await import('./read-includes.ts')
  const { gitEnv: env, signal } = context
  const branch = await findBranch(root, { env, signal })
  const ref = refOf(options, branch ?? SAMPLE_FACTS.ref)
  const { inputs = {}, jobs, from, targetBranch } = details
  const asked = present({ jobs, from, targetBranch })
  const repository = basename(root)
  const facts = { ...SAMPLE_FACTS, repository, event, ref, inputs, ...asked }
  await using includes = await openLocalIncludes(context, root)
  const parsed = await withIncludes<ParsedPipelineFile>(
    (included) => parsePipelineFile(text, facts, included),
    (one) => includes.load(one),
  )
  if (!parsed.ok) {
    const file = relative(io.cwd, path)
    // There is no plan of an invalid file.
    const problems = [...parsed.problems, ...(parsed.unread ?? [])]
    printProblems(problems, { file, what: 'error' }, io)
    return io.exit(EXIT.notSuccess)
  }
  const { planLines } = await import('../../cli/graph/text-graph.ts')
  const { lookOf } = await import('../../cli/follow/follow-pipeline.ts')
  io.stdout.write(`${planLines(parsed.plan, lookOf(io)).join('\n')}\n`)
}
