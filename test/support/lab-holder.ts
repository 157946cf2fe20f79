/**
 * Opens a LAN with a program in it and waits to be killed, for the test that nothing is left then. Prints the numbers of the
 * LAN's process and of the program's as one JSON array.
 */
import { NetworkLab } from './network-namespaces.ts';

const lab = await NetworkLab.open(1);
const program = await lab.run(1, 'sleep', '1000');
console.log(JSON.stringify([lab.pid, program.child.pid]));
