import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { FACTS, openSpools, readAll, wordsOf } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { ProcessExecutor } from '../executor/local/process.ts'
import { folderWorkspace } from '../executor/workspace.ts'
import { JobLog } from '../log/job-log.ts'
import { StepSequence } from './step-sequence.ts'

/** Runs these two steps, the first in the background, until the processes of `pids` are gone. */
async function runBeside(beside: string, after: string) {
  await using dir = await tempDir()
  await using executor = new ProcessExecutor({ instance: `sequence-${process.pid}` })
  await using spools = await openSpools(dir.join('spool'))
  await mkdir(dir.join('workspace'))
  const signal = new AbortController().signal
  const limits = { memoryBytes: 1, cpus: 1, processes: 1 }
  const spec = {
    name: 'job_1/1',
    workspace: folderWorkspace(dir.join('workspace')),
    limits,
    isStranger: false,
  }
  await using sandbox = await executor.open(spec, signal)
  const events = spools.create(FACTS, () => {})
  const step = { dependencies: [], env: {} }
  const steps = [
    { ...step, name: 'beside', command: beside, background: true as const },
    { ...step, name: 'after', command: after },
  ]
  const sequence = new StepSequence(
    { name: 'job', env: {}, needs: [], labels: [], steps },
    {
      events,
      log: new JobLog(events, { maxBytes: 1024 ** 3, onFlood: () => {} }),
      env: {},
      maxLogBytes: 100_000,
      signal,
      cleanupSignal: signal,
      atOnce: signal,
      untilNext: async () => {},
      explain: (error) => ({ outcome: 'error', reason: String(error), fault: 'runner' }),
      startLimit: () => ({ [Symbol.dispose]: () => {} }),
      endMs: 200,
    },
  )
  const end = await sequence.run(sandbox)
  await sequence.end()
  const pids = (await readFile(dir.join('workspace', 'pids'), 'utf8')).trim().split('\n')
  await eventually(async () => (await Promise.all(pids.map(isGone))).every(Boolean), {
    message: `the end of ${pids.join(', ')}`,
  })
  return { end, words: wordsOf(await readAll(events)) }
}

/** Whether nothing of it runs; whoever inherits it may be slow to bury it. */
async function isGone(pid: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX')
  return /State:\s+[XZ]/.test(status)
}

test('kills what is in the background and does not end when it is asked to, and calls it well', async () => {
  const deaf = `trap 'echo asked' TERM; sh -c 'trap "" TERM; echo $$ >> pids; echo up > up; while :; do sleep 0.05; done' & echo $$ >> pids; while :; do sleep 0.05 || :; done`
  const { end, words } = await runBeside(deaf, 'until [ -e up ]; do sleep 0.02; done')
  assert.deepEqual(end, { outcome: 'success' })
  assert.ok(words.includes('step_finished 0 success'), words.join('\n'))
  assert.ok(words.some((word) => word.startsWith('log 0: ') && word.includes('asked')))
})

test('waits for what is in the background and ends in its own time', async () => {
  const slow = `trap 'sleep 0.05; echo tidy; exit 7' TERM; echo $$ > pids; while :; do sleep 0.02; done`
  const { end, words } = await runBeside(slow, 'until [ -e pids ]; do sleep 0.02; done')
  assert.deepEqual(end, { outcome: 'success' })
  assert.ok(words.some((word) => word.startsWith('log 0: ') && word.includes('tidy')))
})

test('writes both streams of a step to its log in order', async () => {
  const alternate = `i=0; while [ $i -lt 500 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done`
  const { words } = await runBeside('echo $$ > pids', alternate)
  const lines = words.flatMap((word) => (/^log 1: (.*)$/s.exec(word)?.[1] ?? '').split('|'))
  const expected = Array.from({ length: 500 }, (_, i) => [`out ${i}`, `err ${i}`]).flat()
  assert.deepEqual(
    lines.filter((line) => line !== ''),
    expected,
  )
})
