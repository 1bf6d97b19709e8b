import { mkdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import {
  type EventOptions,
  readPipelineFile,
  refOf,
  requestOf,
  targetOf,
} from '../../cli/commands/file.ts'
import { cleanText } from '../../cli/terminal/clean-text.ts'
import type { CliIo } from '../../cli/terminal/cli-io.ts'
import { EXIT, exitCodeOfOutcome } from '../../cli/terminal/exit-code.ts'
import type { EventDetails } from '../../core/commit-event.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { exists } from '../../lib/exists.ts'
import { present } from '../../lib/present.ts'
import type { FailedSandbox } from '../../runner/attempt/failed-sandbox.ts'
import { claimFolder } from '../../runner/claim-folder.ts'
import type { Launch } from '../context.ts'
import type { SandboxParts } from '../ensure-sandbox.ts'
import { ownFolder } from '../own-folder.ts'
import { type LocalContext, localFolder, openLocalContext } from './local-context.ts'
import { readSecretFile } from './secret-file.ts'
import { snapshotWork } from './snapshot/snapshot-work.ts'
import { withDiskNote } from './with-disk-note.ts'

export interface LocalOptions extends EventOptions {
  readonly dryRun?: boolean
  readonly plain?: boolean
  readonly secretFile?: string
  readonly from?: string
  readonly shellOnFailure?: boolean
}

/** After a signal, what is left of the jobs is ended by another process. */
const END_MS = 700
/** How much longer than its limit a cleanup may take to be reported. */
const CLEANUP_END_MS = 15_000

/** `narwhal run`: runs the pipeline of the working tree in this process. */
export async function runLocal(
  launch: Launch,
  jobs: readonly string[],
  options: LocalOptions,
): Promise<void> {
  const { io } = launch
  if (launch.stopping)
    Object.assign(launch.stopping, { withinMs: END_MS, exitCode: EXIT.interrupted })
  const root = await rootOf(io.cwd)
  // First of all: without it nothing else matters.
  const text = await readPipelineFile(join(root, 'narwhal.yml'), io)
  const context = await openLocalContext(launch)
  const { event = 'push', input = {}, from } = options
  const details: EventDetails = {
    inputs: input,
    ...targetOf(options),
    ...requestOf(options),
    ...(jobs.length > 0 ? { jobs } : {}),
    ...present({ from }),
  }
  const request = { root, event, details, options }
  if (options.dryRun) return await (await planner()).dryRun(context, launch, request)
  if (jobs.length > 0 || from !== undefined)
    await (await planner()).planHere(context, text, request)
  const { snapshot, running, kept, name } = await open(context, launch, root, options)
  await using _running = running
  using _kept = kept
  const { follow } = await import('../../cli/follow/follow-pipeline.ts')
  const ref = refOf(options, snapshot.ref)
  const outcome = await follow(
    (following) => running.run({ kind: event, details, snapshot, name, ref }, following),
    io,
    { plain: options.plain ?? false },
  )
  if (kept?.failed) await showFailed(kept.failed, io)
  io.exit(exitCodeOfOutcome(outcome))
}

async function planner() {
  return await import('./plan-here.ts')
}

/** Commits the working tree and opens an engine, concurrently; rejects with the first failure, at once. */
async function open(context: LocalContext, launch: Launch, root: string, options: LocalOptions) {
  const { secretFile } = options
  const secrets = secretFile ? await readSecretFile(resolve(launch.io.cwd, secretFile)) : {}
  const folder = await openFolder(context, launch.io, root)
  const kept = options.shellOnFailure ? await failedShell() : undefined
  const name = basename(root)
  // Before anything is written there: another run may be in progress.
  const claim = await claimFolder(folder)
  const failed = new AbortController()
  const signal = AbortSignal.any([context.signal, failed.signal])
  const { gitEnv: env } = context
  const committing = snapshotWork(root, folder, { env, signal })
  const { stopping, io } = launch
  const check = async (parts: SandboxParts): Promise<string> => {
    const { ensureSandbox } = await import('../ensure-sandbox.ts')
    return await ensureSandbox(parts, context.config.executor, io)
  }
  const onCleanup = (hasSteps: boolean) => {
    if (hasSteps) io.stderr.write('narwhal: cleaning up; once more ends that, too\n')
    if (!stopping) return
    const { 'cleanup-timeout': cleanupMs, 'stop-grace': graceMs } = context.config
    stopping.withinMs = graceMs + (hasSteps ? cleanupMs + graceMs : 0) + CLEANUP_END_MS
  }
  const parts = { claim, secrets, check, keepFailed: kept?.keep, onCleanup }
  // Loaded only now: git is at work meanwhile.
  const opening = import('./local-engine.ts').then(({ openLocalEngine }) =>
    openLocalEngine({ ...context, signal }, folder, parts),
  )
  try {
    const [snapshot, running] = await withSignal(Promise.all([committing, opening]), signal)
    return { snapshot, running, kept, name }
  } catch (error) {
    failed.abort(error)
    // Not awaited: an engine that doesn't answer must not delay the message.
    void opening.then((running) => running[Symbol.asyncDispose]()).catch(() => {})
    throw await withDiskNote(error, folder)
  }
}

/** The folder of the mirror and workspaces, private to the user. */
async function openFolder({ config }: LocalContext, io: CliIo, root: string): Promise<string> {
  const folder = localFolder(root, config.data)
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
