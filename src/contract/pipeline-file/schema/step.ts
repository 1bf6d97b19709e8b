import { z } from 'zod'
import { must } from '../words.ts'
import { command } from './command.ts'
import { env } from './env.ts'
import { group } from './group.ts'
import { displayName, packageName } from './names.ts'

/** One script of a job; a step that is only text is its command. */
export const step = z.union(
  [
    command.options[0],
    group('a step', {
      /** The beginning of the command unless told. */
      name: displayName.optional(),
      command,
      /** Packages that the step needs, installed with the image's package manager beforehand. */
      dependencies: z
        .array(packageName, { error: must('a list of package names') })
        .max(100)
        .optional(),
      env: env.optional(),
    }),
  ],
  { error: must('a command or a mapping') },
)
export type Step = z.infer<typeof step>
