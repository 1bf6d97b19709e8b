import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AttemptClient, headOf, orderOf, runnerClient, type StartOrder } from './attempt-client.ts'
import { eventually } from './eventually.ts'
import { gitRepository } from './git-repository.ts'
import { HandExecutor } from './hand-executor.ts'
import { startTestRunner, type TestRunnerOptions } from './test-runner.ts'

/** A runner controlled by the test, a repository, and a client of it in this process. */
export async function runnerByHand(options: Omit<TestRunnerOptions, 'executor'> = {}) {
  const stack = new AsyncDisposableStack()
  const repository = stack.use(await gitRepository({ files: { 'a.txt': 'a' }, serve: true }))
  const executor = new HandExecutor()
  const served = stack.use(await startTestRunner({ executor, ...options }))
  const client = runnerClient(served.transport)
  const commit = await headOf(repository)
  const workspaces = () => readdir(join(served.runner.dataDir, 'workspaces'))
  const begin = (commands: readonly string[], more: Partial<StartOrder> = {}) =>
    new AttemptClient(client, orderOf(commit, commands, more))
  const step = (count: number) =>
    eventually(() => executor.steps[count - 1] ?? null, { message: `step ${count}` })
  return {
    repository,
    executor,
    served,
    runner: served.runner,
    client,
    commit,
    workspaces,
    begin,
    step,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
