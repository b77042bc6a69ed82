import type { Gate, OwnAnswer } from '../exchange/gate.ts';
import { isAdmitted } from './addresses.ts';

/** A gate that takes requests only from the addresses that the file and the route admit. */
export function addressGate(refused: (route: string) => void): Gate {
  return ({ table, route, received }) => {
    const { addresses: ofFile } = table;
    const { addresses: ofRoute } = route;
    if (ofFile === undefined && ofRoute === undefined) return undefined;
    const { address } = received;
    const admitted =
      (ofFile === undefined || isAdmitted(ofFile, address)) &&
      (ofRoute === undefined || isAdmitted(ofRoute, address));
    if (admitted) return undefined;
    refused(route.name);
    return notFrom(route.name);
  };
}

function notFrom(route: string): OwnAnswer {
  return {
    problem: {
      status: 403,
      code: 'address_refused',
      title: 'Not from this address',
      detail: 'Requests from your address are not taken here.',
      route,
    },
  };
}
