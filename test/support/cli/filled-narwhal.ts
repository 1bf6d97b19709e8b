import { type FakeNarwhal, fakeNarwhal } from './fake-narwhal.ts'
import { aJob, anAttempt, aPipeline, aRepository, aRunner, aStep, NOON } from './views.ts'

/** A server with two pipelines, two jobs, a runner and a queue. */
export async function filledNarwhal(): Promise<FakeNarwhal> {
  const fake = await fakeNarwhal()
  const done = { status: 'finished', startedAt: NOON } as const
  const steps = [
    aStep(0, 'install', { ...done, outcome: 'success', finishedAt: NOON + 1500 }),
    aStep(1, 'test', { ...done, outcome: 'failure', exitCode: 2, finishedAt: NOON + 3000 }),
    aStep(2, 'publish', { status: 'finished', outcome: 'skipped' }),
  ]
  const image = { image: 'busybox:latest', digest: 'sha256:0badcafe' }
  const sandbox = { name: 'sandbox', startedAt: NOON, durationMs: 1, images: [image, image] }
  fake.repositories.push(aRepository())
  fake.pipelines.push(
    aPipeline({ status: 'finished', outcome: 'failure', finishedAt: NOON + 4000 }),
    aPipeline({ id: 'pipeline_0', number: 11 }),
  )
  fake.jobs.push(
    aJob('build', steps, {
      ...done,
      outcome: 'failure',
      finishedAt: NOON + 3500,
      attempts: [anAttempt(steps, { status: 'finished', outcome: 'failure', phases: [sandbox] })],
    }),
    aJob('deploy', [aStep(0, 'ship')], { status: 'blocked', attempts: [], startedAt: undefined }),
  )
  fake.runners.push(aRunner())
  fake.queue.push({
    jobId: 'job_deploy',
    pipelineId: 'pipeline_1',
    repositoryName: 'team/app',
    name: 'deploy',
    labels: ['gpu'],
    position: 1,
    queuedAt: NOON,
    reason: 'no runner has the label gpu',
  })
  return fake
}
