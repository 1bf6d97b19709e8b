import type { LogAppended } from '../../src/contract/live-event.ts'
import { openLocalContext } from '../../src/start/local/local-context.ts'
import { openLocalEngine } from '../../src/start/local/local-engine.ts'
import { snapshotWork } from '../../src/start/local/snapshot-work.ts'
import { gitRepository } from './git-repository.ts'
import { captureIo } from './installation.ts'
import { checkEnd, type Scenario } from './scenario.ts'
import { tempDir } from './temp-dir.ts'

/** Runs a scenario's file in a working tree, without a server, and holds it against what is expected. */
export async function runScenarioLocally({ file, files, expected }: Scenario): Promise<void> {
  await using repository = await gitRepository({ files: { 'README.md': 'hello\n' } })
  await repository.commit(file === undefined ? { a: 'a' } : { ...files, 'narwhal.yml': file })
  await using data = await tempDir()
  const io = captureIo(new AbortController().signal, () => {})
  const flags = { executor: 'fake:', slots: '4', logLevel: 'silent' }
  const context = await openLocalContext({ io, root: '/', version: 'test', flags })
  const { gitEnv: env, signal } = context
  await using engine = await openLocalEngine(context, data.path, { secrets: expected.secrets })
  const bare = `${data.path}/snapshot.git`
  const snapshot = await snapshotWork(repository.path, bare, { env, signal })
  const event = { kind: 'push', name: 'project', ref: snapshot.ref, snapshot } as const
  const logs = new Map<string, string[]>()
  const onChange = (_model: unknown, appended?: LogAppended): void => {
    const { jobId, attempt, lines = [] } = appended ?? {}
    const words = lines.filter(({ stream }) => stream !== 'narwhal').map(({ text }) => text)
    const key = `${jobId}/${attempt}`
    logs.set(key, [...(logs.get(key) ?? []), ...words])
  }
  const { pipeline, jobs } = await engine.run(event, { logs: 'whole', onChange })
  await checkEnd({ pipeline, jobs: [...jobs.values()] }, expected, ({ id, attempt }) =>
    (logs.get(`${id}/${attempt}`) ?? []).join('\n'),
  )
}
