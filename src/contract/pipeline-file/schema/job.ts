import { z } from 'zod'
import { limits } from '../limits.ts'
import { must } from '../words.ts'
import { env } from './env.ts'
import { group } from './group.ts'
import { image, jobName, label } from './names.ts'
import { step } from './step.ts'

export const steps = z
  .array(step, { error: must('a list of steps') })
  .min(1)
  .max(limits.stepsPerJob)

export const labels = z.array(label, { error: must('a list of labels') }).max(20)

/** The jobs that must have succeeded before this one starts. */
export const needs = z.union([jobName, z.array(jobName)], {
  error: must("a job's name or a list of them"),
})

export const job = group('a job', {
  image: image.optional(),
  env: env.optional(),
  needs: needs.optional(),
  labels: labels.optional(),
  steps,
})
export type Job = z.infer<typeof job>
