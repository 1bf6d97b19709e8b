import { type Command, Option } from 'commander'
import { ROLES, type Role } from '../../core/access/role.ts'
import { NarwhalError } from '../../lib/errors.ts'
import {
  addClientCommand,
  addRemoveCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { formatAge } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

/** `narwhal user add|list|role|remove` */
export function addUserCommands(program: Command, io: CliIo): void {
  const user = program.command('user').description('users and their roles')
  addAdd(user, io)
  addClientCommand(user, 'list', {
    summary: 'list users',
    examples: ['user list'],
  }).action((options: ClientOptions) => list(options, io))
  addClientCommand(user, 'role <name> <role>', {
    summary: 'change the role of a user: viewer, member or admin',
    examples: ['user role grace admin'],
  }).action(async (name: string, role: string, options: ClientOptions) => {
    const changed = await (await openClient(options, io)).setRole(name, readRole(role))
    if (options.json) return printJson(io, changed)
    io.stdout.write(`${cleanText(changed.name)} is now ${changed.role}\n`)
  })
  addRemoveCommand(
    user,
    'remove <name>',
    {
      summary: 'remove a user and all their tokens',
      examples: ['user remove grace'],
    },
    { io, remove: (client, name) => client.removeUser(name) },
  )
}

function addAdd(user: Command, io: CliIo): void {
  addClientCommand(user, 'add <name>', {
    summary: 'add a user',
    description:
      'Adds a user. Viewers can read. Members can also start, rerun and cancel. Admins can do everything. Create a token for the user with `narwhal token create`.',
    examples: ['user add grace', 'user add deploy-bot --role viewer'],
  })
    .addOption(new Option('--role <role>', 'what the user can do').choices(ROLES).default('member'))
    .action(async (name: string, options: ClientOptions & { role: Role }) => {
      const added = await (await openClient(options, io)).addUser({ name, role: options.role })
      if (options.json) return printJson(io, added)
      io.stdout.write(`added ${cleanText(added.name)}, ${added.role}\n`)
      note(
        io,
        `create a token with: narwhal token create NAME --user ${JSON.stringify(cleanText(added.name))}`,
      )
    })
}

function readRole(text: string): Role {
  const role = ROLES.find((one) => one === text)
  if (role) return role
  throw new NarwhalError(
    'invalid',
    `invalid role ${JSON.stringify(text)}; use one of ${ROLES.join(', ')}`,
  )
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const users = await (await openClient(options, io)).listUsers()
  if (options.json) return printJson(io, { users })
  if (users.length === 0) return note(io, 'no users: add one with `narwhal user add`')
  const now = io.now()
  await printTable(io, users, [
    { title: 'user', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'role', cell: ({ role }) => role },
    { title: 'added', cell: ({ createdAt }) => formatAge(createdAt, now) },
  ])
}
