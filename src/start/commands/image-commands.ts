import type { Command } from 'commander'
import { examples } from '../../cli/commands/file.ts'
import type { Launch } from '../context.ts'
import { withSetting } from './with-setting.ts'

/**
 * Adds `image`, which works on a runner's images directly, also while it is running. `launchOf` makes a
 * launch of a command's flags.
 */
export function addImageCommands(program: Command, launchOf: LaunchOf): void {
  const image = program
    .command('image')
    .description('manage the images of a runner on this machine')
    .helpGroup('This machine:')

  withData(image.command('list').description('list the images, the last used first'))
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('image list', 'image list --json'))
    .action(async (flags: Record<string, unknown>) => {
      await (await load()).listImages(launchOf(flags), flags['json'] === true)
    })
  withIds(
    image
      .command('pull')
      .argument('<image...>', 'such as debian:stable-slim')
      .description('pull images, or the newest versions of them'),
  )
    .addHelpText('after', examples('image pull debian:stable-slim node:24'))
    .action(async (names: string[], flags: Record<string, unknown>) => {
      await (await load()).pullImages(launchOf(flags), names)
    })
  withIds(
    image
      .command('import')
      .argument(
        '<source>',
        'a file of docker save, an OCI layout, or docker:NAME for a local engine',
      )
      .argument('[name]', 'the name it gets; default: its own')
      .description('import an image that no registry has'),
  )
    .addHelpText(
      'after',
      examples('image import saved.tar', 'image import docker:app:latest team/app:1'),
    )
    .action(async (source: string, name: string | undefined, flags: Record<string, unknown>) => {
      await (await load()).importImage(launchOf(flags), source, name)
    })
  addRemoval(image, launchOf)
}

const load = () => import('./image.ts')

type LaunchOf = (flags: Record<string, unknown>) => Launch

function addRemoval(image: Command, launchOf: LaunchOf): void {
  withData(
    image
      .command('rm')
      .argument('<image...>', 'the names of the images')
      .description('remove images that no job uses'),
  )
    .addHelpText('after', examples('image rm team/app:1'))
    .action(async (names: string[], flags: Record<string, unknown>) => {
      await (await load()).removeImages(launchOf(flags), names)
    })
  withData(
    image
      .command('prune')
      .description('remove the images that were used longest ago; imported ones stay'),
  )
    .option('--keep <size>', 'until the others take no more than this, such as 10g', '0m')
    .addHelpText('after', examples('image prune --keep 10g'))
    .action(async (flags: Record<string, unknown>) => {
      await (await load()).pruneImages(launchOf(flags), String(flags['keep']))
    })
}

function withData(command: Command): Command {
  return withSetting(command, 'data')
}

/** Layers are unpacked for the ids that containers have. */
function withIds(command: Command): Command {
  return withSetting(withData(command), 'container-ids')
}
