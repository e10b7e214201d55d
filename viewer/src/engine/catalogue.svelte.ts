/** What the engine knows by name; asked once. */

import { call } from './call'
import type { Catalogue, KnownStructure } from './types'

let asked: Promise<Catalogue> | null = null

export function catalogue(): Promise<Catalogue> {
  asked ??= call<Catalogue>('/catalogue').catch((error: unknown) => {
    asked = null
    throw error
  })
  return asked
}

/** The structures that a list of names and shorthands stands for. */
export function expanded(names: string[], known: Catalogue): string[] {
  return [...new Set(names.map(normalised).flatMap((name) => known.shorthands[name] ?? [name]))]
}

export function structureNamed(name: string, known: Catalogue): KnownStructure | undefined {
  return known.structures.find((each) => each.name === name)
}

function normalised(name: string): string {
  return name.trim().toLowerCase().replaceAll('-', '_')
}
