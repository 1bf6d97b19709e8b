import { z } from 'zod'
import { SHELL_NAMES } from '../../core/plan/shell.ts'
import { LONGEST_FOR_SHELL } from '../../core/plan/step-script.ts'
import { must } from '../words.ts'
import { command } from './command.ts'
import { duration, flag, stepRetry } from './limits.ts'
import { env } from './parts/env.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'
import { displayName, image, packageName } from './parts/names.ts'
import { when } from './when.ts'

const dependencies = z.array(packageName, { error: must('a list of package names') }).max(100)

export const shell = z.enum(SHELL_NAMES, { error: `must be one of ${SHELL_NAMES.join(', ')}` })

/** A directory in the workspace. */
export const workingDirectory = z
  .string()
  .regex(/^[^\0]+$/, 'must not be empty')
  .max(1000)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    error: "must be in the workspace: a relative path without '..'",
  })

/** `- echo "a: b"` is a mapping for YAML. */
const COLON =
  "YAML takes what stands before `: ` for a key; put the whole command in '…', or on a line of its own after `- |`"

export const stepMapping = group(
  'a step',
  {
    name: key(
      displayName,
      'The displayed name, unique in its job; default: the beginning of the command.',
    ),
    command: requiredKey(
      command,
      'A script for the shell; a list is its lines. It ends at the first command that fails.',
      'npm test',
    ),
    dependencies: key(
      dependencies,
      "Packages that the step needs. Missing ones are installed first by the image's own package manager.",
      '[make, git]',
    ),
    env: key(env, 'Environment variables of this step only.', '{ LEVEL: 3 }'),
    image: key(
      image,
      "The container image of this step, with the job's workspace, network and services.",
      'node:24',
    ),
    background: key(
      flag,
      '`true`: the job continues while it runs, and stops it when the other steps are over.',
      'true',
    ),
    working_directory: key(workingDirectory, 'Where the command runs, below the workspace.', 'ui'),
    shell: key(
      shell,
      'The interpreter of the command; the image must have it. Default: `sh`.',
      'bash',
    ),
    when: key(when, 'When the step is run; otherwise it is left out.', '{ status: failure }'),
    timeout: key(
      duration,
      'How long one try of the step may take until it ends in `timeout`.',
      '10m',
    ),
    retry: key(stepRetry, 'How often the step is retried when it fails or times out.', '2'),
    allow_failure: key(
      flag,
      "`true`: a failure or timeout of the step doesn't affect the job.",
      'true',
    ),
  },
  {},
  (name) => (/\s/.test(name) ? COLON : undefined),
)

/** A step; just text is its command. */
export const step = z.union(
  [
    command.options[0],
    stepMapping.refine(
      ({ command: given, shell: by = 'sh' }) =>
        by === 'sh' || String(given).length <= LONGEST_FOR_SHELL,
      {
        error: `must have at most ${LONGEST_FOR_SHELL} characters for another shell than sh`,
        path: ['command'],
      },
    ),
  ],
  { error: must('a command or a mapping') },
)
export type Step = z.infer<typeof step>
