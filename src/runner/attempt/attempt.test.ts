import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AttemptClient,
  headOf,
  orderOf,
  runnerClient,
} from '../../../test/support/attempt-client.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { jobJson } from '../../../test/support/job-json.ts'
import { startTestRunner } from '../../../test/support/test-runner.ts'
import { linesOf } from '../../contract/log/log-chunk.ts'
import { chunkFromProto } from '../../contract/rpc/rpc.ts'
import { FakeExecutor } from '../executor/fake/fake.ts'
import { ProcessExecutor } from '../executor/local/process.ts'

test('gives a real process a repository in which git log and git describe work', async () => {
  await using repository = await gitRepository({ files: { 'a.txt': 'a' }, serve: true })
  await repository.tag('v1', 'The first')
  await repository.commit({ 'b.txt': 'b' }, 'Add b')
  await using executor = new ProcessExecutor({ instance: 'attempt-test' })
  await using served = await startTestRunner({ executor })
  const commands = [
    'git describe; git log --format=%s',
    'mkdir dir; touch dir/f; chmod 500 dir; echo >&2 no; exit 3',
  ]
  const attempt = new AttemptClient(
    runnerClient(served.transport),
    orderOf(await headOf(repository), commands),
  )
  await attempt.untilFinished()
  const words = attempt.words.join('\n')
  assert.match(words, /log 0 v1-1-g[0-9a-f]+\nlog 0 Add b\nlog 0 Begin\nstep 0 ended success/)
  assert.match(words, /log 1 no\nlog 1 exit code 3\nstep 1 ended failure: exit code 3/)
})

test('what happens while the sandbox is opened is in the log as it happens, before the first step', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  const opened = Promise.withResolvers<void>()
  class SlowExecutor extends FakeExecutor {
    override async open(...[spec, signal]: Parameters<FakeExecutor['open']>) {
      spec.onProgress?.('pulling x:1')
      spec.onProgress?.('layer 1 of 1 is unpacked')
      await opened.promise
      return super.open(spec, signal)
    }
  }
  await using executor = new SlowExecutor()
  await using served = await startTestRunner({ executor })
  const attempt = new AttemptClient(
    runnerClient(served.transport),
    orderOf(await headOf(repository), ['echo hello']),
  )
  const pulled = /log 0 pulling x:1\nlog 0 layer 1 of 1 is unpacked/
  await eventually(() => pulled.test(attempt.words.join('\n')) || null)
  opened.resolve()
  await attempt.untilFinished()
  assert.match(attempt.words.join('\n'), /is unpacked\n(?:.*\n)*step 0\nlog 0 echo hello/)
})

test('the login for registries reaches the sandbox, and no step', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  const specs: unknown[] = []
  class WatchedExecutor extends ProcessExecutor {
    override open(...[spec, signal]: Parameters<ProcessExecutor['open']>) {
      specs.push([spec.registryLogin, spec.pull])
      return super.open(spec, signal)
    }
  }
  await using executor = new WatchedExecutor({ instance: 'login-test' })
  await using served = await startTestRunner({ executor })
  const secrets = { NARWHAL_REGISTRY_LOGIN: '{"auths":{}}', OTHER: 'something else' }
  const command = 'env | grep -c -e ^OTHER= -e LOGIN; env | grep LOGIN || echo none'
  const job = jobJson({ pull: 'always', steps: [{ command }] })
  const order = orderOf(await headOf(repository), [], { job, secrets })
  const attempt = new AttemptClient(runnerClient(served.transport), order)
  await attempt.untilFinished()
  assert.deepEqual(specs, [['{"auths":{}}', 'always']])
  assert.match(attempt.words.join('\n'), /log 0 1\nlog 0 none/)
})

test('passes on a long log whole, however fast it comes', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using executor = new FakeExecutor()
  await using served = await startTestRunner({ executor })
  const attempt = new AttemptClient(
    runnerClient(served.transport),
    orderOf(await headOf(repository), ['flood 300000']),
  )
  let count = 0
  let most = 0
  let seq = 0
  await eventually(
    () => {
      for (const { event } of attempt.events.splice(0)) {
        if (event.case === 'log') {
          const lines = linesOf(chunkFromProto(event.value))
          for (const { text } of lines) assert.equal(text, `line ${++count}`)
          most = Math.max(most, lines.length)
        }
        attempt.acknowledge(++seq)
        if (event.case === 'finished') return true
      }
      return false
    },
    { timeoutMs: 60_000 },
  )
  assert.equal(count, 300_000)
  assert.ok(most < 20_000, `${most} lines in one event`)
  assert.equal(await attempt.untilEnded(), null)
  await eventually(() => executor.openSandboxes.length === 0)
})
