// The sums of panel.wgsl by cooperative matrices of 8 x 8.
//#include <common/fragments8.wgsl>
//#include <common/sums_cooperative.wgsl>
