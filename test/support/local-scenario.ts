import type { LogAppended } from '../../src/contract/live/live-event.ts'
import { SerialQueue } from '../../src/lib/async/serial-queue.ts'
import { newId } from '../../src/lib/new-id.ts'
import { openLocalContext } from '../../src/start/local/local-context.ts'
import { openLocalEngine } from '../../src/start/local/local-engine.ts'
import { snapshotWork } from '../../src/start/local/snapshot/snapshot-work.ts'
import { gitRepository } from './git-repository.ts'
import { captureIo } from './installation.ts'
import { checkEnd, type ScenarioStage, scenarioSecrets } from './scenario.ts'
import { tempDir } from './temp-dir.ts'

/** In a working tree without a server, with one engine for all and sandboxes of this executor. */
export async function openLocalScenarios(executor: string): Promise<ScenarioStage> {
  await using stack = new AsyncDisposableStack()
  const data = stack.use(await tempDir())
  const io = captureIo(new AbortController().signal, () => {})
  const flags = { executor, name: newId('runner'), slots: '4', logLevel: 'silent' }
  const context = await openLocalContext({ io, root: '/', version: 'test', flags })
  const engine = stack.use(
    await openLocalEngine(context, data.path, { secrets: await scenarioSecrets() }),
  )
  const { gitEnv: env, signal } = context
  const repository = stack.use(await gitRepository({ files: { 'README.md': 'hello\n' } }))
  const snapshots = new SerialQueue()
  const parts = stack.move()
  return {
    run: async ({ file = null, files, expected }) => {
      const snapshot = await snapshots.run(async () => {
        await repository.commit({ ...files, 'narwhal.yml': file })
        return await snapshotWork(repository.path, data.path, { env, signal })
      })
      const event = { kind: 'push', name: 'project', ref: snapshot.ref, snapshot } as const
      const logs = new Map<string, string[]>()
      const onChange = (_model: unknown, appended?: LogAppended): void => {
        const { jobId, attempt, lines = [] } = appended ?? {}
        const words = lines.filter(({ stream }) => stream !== 'narwhal').map(({ text }) => text)
        const key = `${jobId}/${attempt}`
        logs.set(key, [...(logs.get(key) ?? []), ...words])
      }
      const { pipeline, jobs } = await engine.run(event, { logs: 'all', onChange })
      const wanted = { ...expected, ...expected.locally }
      await checkEnd({ pipeline, jobs: [...jobs.values()] }, wanted, ({ id, attempt }) =>
        (logs.get(`${id}/${attempt}`) ?? []).join('\n'),
      )
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
