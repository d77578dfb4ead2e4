"""What stands in a physical world as a robot: loaded from URDF files, moved by motors of limited strength.

* A unicycle is ``assets/differential_drive.urdf``: two driven wheels under a hull, with two casters. So is a car: its
  wheels are led along its arcs.
* A single or double integrator is ``assets/holonomic_disc.urdf``: a hull on two crossed prismatic motors.
* Robots of one's own (``own``) are what their URDF files say.

The shipped files have a nominal radius; a robot of another radius is the same robot scaled in all three dimensions
(masses with the cube of the scale). A robot with a footprint is the one of the disc around it, with another hull
(``shaped``). Wheels and casters touch only the ground, hulls only hulls and walls.
"""
