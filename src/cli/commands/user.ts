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
  const user = program.command('user').description('who may use this Narwhal, and for what')
  addAdd(user, io)
  addClientCommand(user, 'list', {
    summary: 'list the users',
    examples: ['user list'],
  }).action((options: ClientOptions) => list(options, io))
  addClientCommand(user, 'role <name> <role>', {
    summary: 'give a user another role: viewer, member or admin',
    examples: ['user role grace admin'],
  }).action(async (name: string, role: string, options: ClientOptions) => {
    const changed = await (await openClient(options, io)).setRole(name, readRole(role))
    if (options.json) return printJson(io, changed)
    io.stdout.write(`${cleanText(changed.name)} is ${changed.role} now\n`)
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
      'Adds a user. A viewer looks; a member also starts, reruns and cancels; an admin does everything. Make a token for the user with `narwhal token create`.',
    examples: ['user add grace', 'user add deploy-bot --role viewer'],
  })
    .addOption(new Option('--role <role>', 'what the user may do').choices(ROLES).default('member'))
    .action(async (name: string, options: ClientOptions & { role: Role }) => {
      const added = await (await openClient(options, io)).addUser({ name, role: options.role })
      if (options.json) return printJson(io, added)
      io.stdout.write(`added ${cleanText(added.name)}, ${added.role}\n`)
      note(io, `a token: narwhal token create NAME --user ${JSON.stringify(cleanText(added.name))}`)
    })
}

function readRole(text: string): Role {
  const role = ROLES.find((one) => one === text)
  if (role) return role
  throw new NarwhalError('invalid', `${JSON.stringify(text)} is no role: ${ROLES.join(', ')}`)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const users = await (await openClient(options, io)).listUsers()
  if (options.json) return printJson(io, { users })
  if (users.length === 0) return note(io, 'there is no user: add one with `narwhal user add`')
  const now = io.now()
  await printTable(io, users, [
    { title: 'user', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'role', cell: ({ role }) => role },
    { title: 'added', cell: ({ createdAt }) => formatAge(createdAt, now) },
  ])
}
