import { Agent } from 'undici';
import type { System } from '../start/system.ts';
import { chapterAllOnTheMonolith } from './chapters/all-on-the-monolith.ts';
import { chapterBooking } from './chapters/cut-booking-over.ts';
import { chapterInventory } from './chapters/cut-inventory-over.ts';
import { chapterProfile } from './chapters/cut-profile-over.ts';
import { chapterRollback } from './chapters/roll-inventory-back.ts';
import { chapterShadow } from './chapters/shadow-inventory.ts';
import { chapterWhereWeAre } from './chapters/where-we-are.ts';
import { Client } from './client.ts';
import type { Narrator } from './narrator.ts';
import type { RoutesFile } from './routes-file.ts';

/** What every chapter works with. */
export interface Stage {
  readonly system: System;
  readonly routes: RoutesFile;
  readonly narrator: Narrator;
  /** A logged-in customer (user 2) at the facade. */
  readonly customer: Client;
  /** The same customer, asking the monolith past the facade: what the legacy application knows. */
  readonly customerAtMonolith: Client;
}

/** The whole story, a chapter a file. */
export async function tellStory(given: Pick<Stage, 'system' | 'routes' | 'narrator'>): Promise<void> {
  const agent = new Agent();
  try {
    const customer = new Client(given.system.url('facade'), agent);
    await customer.logIn('user2@example.test', 'ticketnow');
    const stage = { ...given, customer, customerAtMonolith: customer.at(given.system.url('monolith')) };
    await chapterAllOnTheMonolith(stage);
    await chapterShadow(stage);
    await chapterInventory(stage);
    await chapterRollback(stage);
    await chapterProfile(stage);
    await chapterBooking(stage);
    await chapterWhereWeAre(stage);
  } finally {
    await agent.destroy();
  }
}
