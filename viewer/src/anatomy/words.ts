/** Structures as people call them; what is not listed is named as the engine names it. */

import { plainName, type Notation } from './notation'
import type { Catalogue, KnownStructure } from '../engine/types'

const NAMES: Record<string, string> = {
  mandible: 'Mandible',
  skull: 'Skull',
  maxillary: 'Maxilla and midface',
  right_nerve: 'Right mandibular canal',
  left_nerve: 'Left mandibular canal',
  right_sinus: 'Right maxillary sinus',
  left_sinus: 'Left maxillary sinus',
  airway: 'Airway',
  soft_tissue: 'Soft tissue',
  all_teeth: 'All teeth',
  all_permanent_teeth: 'All permanent teeth',
  all_deciduous_teeth: 'All deciduous teeth',
  all_nerves: 'Both mandibular canals',
  all_sinuses: 'Both maxillary sinuses',
  ios_upper: 'Upper jaw, surface scan',
  ios_lower: 'Lower jaw, surface scan',
  facial: 'Face, surface scan',
}

const GROUPS: [string, string[]][] = [
  ['Bones', ['mandible', 'skull', 'maxillary-complex']],
  ['Canals', ['nerve']],
  ['Sinuses and airway', ['maxillary-sinus', 'airway']],
  ['Soft tissue', ['soft-tissue']],
]
const TEETH = 'dentition'
const SURFACE_SCANS = 'surface'

export function nameOf(name: string, known: Catalogue | null, notation: Notation = 'FDI'): string {
  const fdi = known?.structures.find((each) => each.name === name)?.fdi
  return fdi ? `Tooth ${plainName(fdi, notation)}` : (NAMES[name] ?? pretty(name))
}

/** What is chosen beside teeth, in groups; families that are new to the page come last. */
export function groupsOf(known: Catalogue): { title: string; structures: KnownStructure[] }[] {
  const grouped = new Set([TEETH, SURFACE_SCANS, ...GROUPS.flatMap(([, families]) => families)])
  const others = [...new Set(known.structures.map((each) => each.family))].filter((each) => !grouped.has(each))
  const groups: [string, string[]][] = others.length ? [...GROUPS, ['Other', others]] : GROUPS
  return groups
    .map(([title, families]) => ({
      title,
      structures: known.structures.filter((each) => families.includes(each.family)),
    }))
    .filter((group) => group.structures.length > 0)
}

export function pretty(name: string): string {
  const words = name.replaceAll(/[_-]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
