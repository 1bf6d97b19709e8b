import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveWatch } from '../bench/support/live-watch.ts'
import { frozenTimers } from './support/frozen-timers.ts'
import { gitRepository } from './support/git-repository.ts'
import { push, register, startUp } from './support/installation.ts'

/** Far beyond what anything takes here, for a test that would wait for ever. */
const FOR_EVER_MS = 60_000

test('nothing waits for a timer between a webhook and its success', async () => {
  using timers = frozenTimers()
  await using narwhal = await startUp()
  const file = 'image: busybox\nsteps:\n  - print hello\n  - print bye\n'
  await using repository = await gitRepository({ files: { 'narwhal.yml': file }, serve: true })
  const registered = await register(narwhal, repository.url)
  const { signal } = new AbortController()
  await using watch = await LiveWatch.open(narwhal, signal)
  const run = async (text: string): Promise<string | undefined> => {
    const sha = await repository.commit({ text })
    const ending = watch.endOf(sha, signal)
    const { status } = await push(narwhal, registered, { sha })
    assert.equal(status, 202)
    return (await ending).pipeline.outcome
  }
  // The first one starts what stays: the parser's thread, the mirror, the reader of its objects.
  assert.equal(await run('warm'), 'success')

  timers.freeze()
  let deadline: NodeJS.Timeout | undefined
  const forEver = new Promise<never>((_resolve, reject) => {
    deadline = timers.real(() => {
      reject(new Error(`something waits for one of these timers:\n${timers.due.join('\n')}`))
    }, FOR_EVER_MS)
  })
  try {
    for (const text of ['one', 'two', 'three']) {
      assert.equal(await Promise.race([run(text), forEver]), 'success')
    }
  } finally {
    clearTimeout(deadline)
    timers.thaw()
  }
})

test('a timer that stands still is noticed', async () => {
  using timers = frozenTimers()
  timers.freeze()
  let called = false
  setTimeout(() => {
    called = true
  }, 1)
  await new Promise((resolve) => timers.real(resolve, 20))
  assert.equal(called, false)
  assert.equal(timers.due.length, 1)
  timers.thaw()
  assert.equal(called, true)
})
