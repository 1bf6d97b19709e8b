import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filledNarwhal } from '#root/test/support/cli/filled-narwhal.ts'
import { runCommand } from '#root/test/support/cli/run-command.ts'
import { aJob, aPipeline, aStep } from '#root/test/support/cli/views.ts'

test('shows requests as their forge writes them, and other refs in full', async () => {
  await using fake = await filledNarwhal()
  const refs = ['refs/merge-requests/5/head', 'refs/pull/5/head', 'refs/pull/5/merge']
  const { event } = aPipeline()
  fake.pipelines.splice(0, 2, ...refs.map((ref) => aPipeline({ event: { ...event, ref } })))
  const { out } = await runCommand(fake.url, 'pipeline list')
  const shown = out.split('\n').flatMap((line) => / push +(\S+) /.exec(line)?.[1] ?? [])
  assert.deepEqual(shown, ['!5', '#5', 'refs/pull/5/merge'])
  const one = await runCommand(fake.url, 'pipeline show team/app#12')
  assert.match(one.out, /commit +\w+ on !5\n/)
})

test('says what people should know about the latest plan', async () => {
  await using fake = await filledNarwhal()
  const phase = { name: 'plan', startedAt: 1, durationMs: 1 }
  const noted = { ...phase, note: 'all conditions hold\u001b[2J' }
  fake.pipelines.splice(0, 2, aPipeline({ phases: [noted] }), aPipeline({ phases: [noted, phase] }))
  const lines = async (name: string) => (await runCommand(fake.url, `pipeline show ${name}`)).out
  assert.match(await lines('team/app#12'), /^ {2}note +all conditions hold\S*\n/m)
})

test('the steps of a job that was never run are skipped, and wait while it does', async () => {
  await using fake = await filledNarwhal()
  const never = { attempts: [] }
  const skipped = { ...never, status: 'finished' as const, outcome: 'skipped' as const }
  fake.jobs.splice(
    0,
    fake.jobs.length,
    aJob('one', [aStep(0, 'first step')], skipped),
    aJob('two', [aStep(0, 'second step')], { ...never, status: 'queued' }),
  )
  const { out } = await runCommand(fake.url, 'pipeline show team/app#12')
  assert.match(out, /first step +skipped/)
  assert.match(out, /second step +waiting/)
})
