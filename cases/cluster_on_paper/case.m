function mpc = cluster_on_paper
%CLUSTER_ON_PAPER  Three buses, three equal lines, one request at each free corner.
mpc.version = '2';
mpc.baseMVA = 100;
%	bus_i	type	Pd	Qd	Gs	Bs	area	Vm	Va	baseKV	zone	Vmax	Vmin
mpc.bus = [
	1	1	0	0	0	0	1	1	0	138	1	1.1	0.9;
	2	1	0	0	0	0	1	1	0	138	1	1.1	0.9;
	3	3	100	0	0	0	1	1	0	138	1	1.1	0.9;
];
%	bus	Pg	Qg	Qmax	Qmin	Vg	mBase	status	Pmax	Pmin
mpc.gen = [
	3	100	0	50	-50	1	100	1	150	0;
];
%	fbus	tbus	r	x	b	rateA	rateB	rateC	ratio	angle	status	angmin	angmax
mpc.branch = [
	1	2	0	0.1	0	100	0	120	0	0	1	-360	360;
	1	3	0	0.1	0	45	0	100	0	0	1	-360	360;
	2	3	0	0.1	0	100	0	120	0	0	1	-360	360;
];
