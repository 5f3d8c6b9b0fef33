// The tile of tile0.wgsl by cooperative matrices of 8 x 8.
//#include <common/fragments8.wgsl>
//#include <common/tile_cooperative.wgsl>
