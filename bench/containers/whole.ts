import { localDataFolder } from '../../src/start/local/local-context.ts'
import { gitRepository } from '../../test/support/git-repository.ts'
import { push, register } from '../../test/support/installation.ts'
import { type MeasuredInstallation, openMeasured } from '../hotpath/measure-pipeline.ts'
import { measureRun, type RunTimes } from '../run/measure-run.ts'
import { LiveWatch } from '../support/live-watch.ts'
import { root, startUpProcess } from '../support/up-process.ts'

/** So many pushes arrive at once. */
export const PUSHES = 12

/** Commands of Narwhal, whose jobs run in containers without an engine. */
export interface Whole extends AsyncDisposable {
  /** From a webhook to its success, in milliseconds. */
  readonly green: () => Promise<number>
  /** How many pipelines of PUSHES that are pushed at once end in a second. */
  readonly burst: () => Promise<number>
  /** `narwhal run` of one `echo`. */
  readonly run: () => Promise<RunTimes>
}

export interface WholeOptions {
  readonly image: string
  /** Data folders: one for `narwhal up`, which has the image, and one for `narwhal run`. */
  readonly data: { readonly up: string; readonly run: string }
  /** Brings the image into a data folder. */
  readonly importInto: (data: string) => Promise<void>
  readonly signal: AbortSignal
}

export async function openWhole({ image, data, importInto, signal }: WholeOptions): Promise<Whole> {
  await using stack = new AsyncDisposableStack()
  const up = stack.use(await startUpProcess({ executor: 'oci:', data: data.up, signal }))
  const measured: MeasuredInstallation = stack.use(await openMeasured(up, { image, signal }))
  const file = JSON.stringify({ image, steps: ['echo hello'] })
  const tree = stack.use(await gitRepository({ files: { 'narwhal.yml': file } }))
  await importInto(localDataFolder(data.run))
  const pushed = stack.use(await gitRepository({ files: { 'narwhal.yml': file }, serve: true }))
  const registered = await register(up, pushed.url)
  const watch = stack.use(await LiveWatch.open(up, signal))
  let pushes = 0
  const resources = stack.move()
  return {
    green: async () => (await measured.measure(signal)).totalMs,
    burst: async () => {
      const commits: { sha: string; ref: string }[] = []
      for (let i = 0; i < PUSHES; i++) {
        const sha = await pushed.commitAside({ 'README.md': `Push ${++pushes}\n` })
        const ref = `refs/heads/push-${pushes}`
        await pushed.git('update-ref', ref, sha)
        commits.push({ sha, ref })
      }
      const endings = commits.map(({ sha }) => watch.endOf(sha, signal))
      const startedAt = performance.now()
      await Promise.all(commits.map((commit) => push(up, registered, commit)))
      for (const { pipeline } of await Promise.all(endings)) {
        if (pipeline.outcome !== 'success') {
          throw new Error(`${pipeline.id} ended in ${pipeline.outcome}: ${pipeline.reason}`)
        }
      }
      return (PUSHES * 1000) / (performance.now() - startedAt)
    },
    run: () =>
      measureRun({ root, executor: 'oci:', repository: tree.path, data: data.run, signal }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
